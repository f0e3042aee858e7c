"""Where a recorder goes on, from real stores: in the run in which a module still owes something."""

from pathlib import Path

import msgspec
import pytest

from bus.ordered.stream import Streams
from bus.protocol.messages import FramesRequest, Published
from nodes.recorder.core import Intake
from nodes.recorder.hot_stores import Stores
from nodes.recorder.resume import resume
from recording.retention import Limits
from tests.nodes.recorder.test_shell import state, tick


def of(run: str, ticks: int, states: int) -> list[Published]:
    """The first ticks and states of a run."""
    messages: list[Published] = [tick(seq) for seq in range(1, ticks + 1)]
    messages += [state(seq) for seq in range(1, states + 1)]
    return [msgspec.structs.replace(message, run=run) for message in messages]


def resumed(folder: Path, *commits: list[Published]) -> Streams:
    """Streams that go on behind these commits."""
    stores = Stores(folder, Limits(1 << 50, 0))
    intake = Intake()
    for messages in commits:
        for message in messages:
            intake.take(message)
        stores.write(intake.batches())
    streams = Streams(["m1"], whole=True)
    resume(streams, stores.folders(), lambda run: stores.store(run).connection)
    stores.close()
    return streams


@pytest.mark.parametrize("seen_early", [False, True], ids=["in order", "the newest run's folder is the first"])
def test_a_module_goes_on_in_the_run_that_it_still_owes(tmp_path: Path, seen_early: bool) -> None:
    commits = [of("0001-001", 9, 9), of("0001-002", 8, 5), of("0002-001", 7, 0), of("0010-001", 6, 0)]
    early = [of("0010-001", 1, 0)] if seen_early else []
    streams = resumed(tmp_path, *early, *commits)
    assert streams.clock is not None
    assert (streams.clock.buffer.run, streams.clock.buffer.last) == ("0010-001", 6)
    module = streams.modules["m1"]
    assert (module.buffer.run, module.buffer.last) == ("0001-002", 5)
    request = module.request
    assert isinstance(request, FramesRequest)
    assert request.run == "0001-002"
    assert request.after <= 5


def test_a_module_that_is_many_runs_behind_goes_on_where_it_is(tmp_path: Path) -> None:
    later = [of(f"{epoch:04}-001", 2, 0) for epoch in range(2, 31)]
    module = resumed(tmp_path, of("0001-001", 9, 9), of("0001-002", 8, 5), *later).modules["m1"]
    assert (module.buffer.run, module.buffer.last) == ("0001-002", 5)
    assert isinstance(module.request, FramesRequest)


def test_whoever_owes_nothing_goes_on_in_the_newest_run(tmp_path: Path) -> None:
    module = resumed(tmp_path, of("0001-001", 9, 9), of("0001-002", 8, 5)).modules["m1"]
    assert (module.buffer.run, module.buffer.last, module.request) == ("0001-002", 5, None)


def test_a_new_module_owes_nothing_to_runs_before_its_first(tmp_path: Path) -> None:
    module = resumed(tmp_path, of("0001-001", 9, 0), of("0001-002", 8, 0)).modules["m1"]
    assert (module.buffer.run, module.buffer.last) == ("0001-002", 0)
