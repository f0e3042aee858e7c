"""Fork: a run begins from a recorded moment of another one, to the last bit, and goes its own way from there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bus.transport.request import RefusedError
from recording.record import Row
from recording.rows import run_rows
from tests.nodes.recorder.conftest import Plant, recorded_rows, recorded_until, wait_for_state
from tests.nodes.recorder.test_proofs import kpp
from tests.watching import eventually


def digests(plant: Plant, run: str) -> dict[int, int]:
    """Newest recorded digest at each simulated time, in microseconds."""
    folder = plant.folder(run)
    return {row.t_us: row.digest for row in run_rows(folder, "m1") if isinstance(row, Row)}


def test_a_fork_without_changes_repeats_its_parent_and_one_with_changes_does_not(
    make_plant: Callable[..., Plant], tmp_path: Path
) -> None:
    plant = make_plant()
    plant.start("recorder")
    parent = wait_for_state(plant).run
    plant.command("start")
    eventually(lambda: recorded_until(plant, parent) > 3.5, 60.0, "enough simulated time is recorded")
    plant.command("pause")
    at = 1.5
    forked = kpp(plant, tmp_path, "fork", parent, "--at", str(at), "--start")
    assert forked.returncode == 0, forked.stderr
    child = forked.stdout.split()[-3]
    assert child != parent
    eventually(lambda: recorded_until(plant, child) > 1.2, 60.0, "a second of the fork is recorded")
    before = digests(plant, parent)
    mine = digests(plant, child)
    shared = [t_us for t_us in mine if t_us + 1_500_000 in before]
    assert len(shared) > 100
    assert all(mine[t_us] == before[t_us + 1_500_000] for t_us in shared)
    plant.kill("physics")  # a module that dies begins the fork again where it was
    plant.start("physics", "--module", "m1")
    plant.command("pause")
    changed = kpp(plant, tmp_path, "fork", parent, "--at", str(at), "--set", "ambient_pressure=100000", "--start")
    assert changed.returncode == 0, changed.stderr
    other = changed.stdout.split()[-3]
    eventually(lambda: recorded_until(plant, other) > 0.5, 60.0, "the second fork is recorded")
    theirs = digests(plant, other)
    assert all(theirs[t_us] != before[t_us + 1_500_000] for t_us in theirs if t_us > 0 and t_us + 1_500_000 in before)
    plant.command("pause")
    for node in ("recorder", "physics", "clock"):
        plant.stop(node)
    verified = kpp(plant, tmp_path, "verify", child)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    bundle = tmp_path / "fork.kpp"
    assert kpp(plant, tmp_path, "bundle", other, "-o", str(bundle)).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = kpp(plant, elsewhere, "verify", str(bundle))
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_moment_that_does_not_exist_is_refused_with_the_reason(
    make_plant: Callable[..., Plant], tmp_path: Path
) -> None:
    plant = make_plant()
    plant.start("recorder")
    run = wait_for_state(plant).run
    eventually(lambda: recorded_rows(plant) > 10, 20.0, "something is recorded")
    for arguments, text in (
        (("fork", "nope", "--at", "1"), "no recording of run 'nope'"),
        (("fork", run, "--at", "-1"), "is not a time of 0 s or more"),
        (("fork", run, "--at", "0", "--set", "drag_area"), "write name=value"),
        (("fork", run, "--at", "0", "--set", "drag_area=99"), "drag_area"),
    ):
        done = kpp(plant, tmp_path, *arguments)
        assert done.returncode == 2
        assert text in done.stderr
    with pytest.raises(RefusedError, match="there is no such checkpoint"):
        plant.command("reset", scenario="fork:nope@7")
    assert wait_for_state(plant).run == run, "it goes on"
