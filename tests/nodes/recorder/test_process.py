"""The recorder as a process in a real plant: everything that was published is recorded once, whatever happens to it."""

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import pytest

from bus.protocol.messages import (
    Channels,
    ChannelsRequest,
    Event,
    History,
    HistoryRequest,
    Notes,
    NotesRequest,
    Refused,
    Result,
    Runs,
    RunsRequest,
    State,
    Tick,
)
from bus.transport.listener import Listener
from nodes.clock import runs as clock_runs
from recording.cursor import Placement
from recording.database import StoreError, open_reader
from recording.folder import run_folders
from recording.hot import read_schemas
from recording.message_rows import Rows, States, event_note, result_note
from recording.notes import read_notes
from recording.record import Row
from recording.rows import run_rows
from recording.seal import Sealer
from recording.ticks import read_ticks
from tests.nodes.recorder.conftest import Plant, recorded_rows, wait_for_state
from tests.watching import eventually

KILLS = int(os.environ.get("KPP_RECORDER_KILLS", "15"))
"""How often the recorder is killed in one run; `make kills` does it fifty times."""


class Heard:
    """All that the plant published, heard by somebody who repairs his own gaps."""

    def __init__(self, plant: Plant) -> None:
        self._listener = Listener(plant.endpoints, ("tick", "state/", "event/", "result/"), whole=True)
        self.states: dict[int, State] = {}
        self.ticks: dict[int, Tick] = {}
        self.notes: set[tuple[str, str]] = set()
        self.run = ""

    def listen(self, seconds: float) -> None:
        """Take in what comes in a stretch of time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self._listener.receive(left)
            if isinstance(message, State):
                self.run = message.run
                self.states[message.seq] = message
            elif isinstance(message, Tick):
                self.ticks[message.seq] = message
            elif isinstance(message, Event):
                self.notes.add(("event", event_note(message).identity))
            elif isinstance(message, Result):
                self.notes.add(("result", result_note(message).identity))

    def after(self, seconds: float) -> bool:
        """The same, for a condition that is waited for."""
        self.listen(seconds)
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Plant], Heard]]:
    """Makes listeners, and closes them."""
    with ExitStack() as stack:
        yield lambda plant: stack.enter_context(closing(Heard(plant)))


def recorded(plant: Plant, run: str) -> int:
    """Newest tick that is on disk."""
    folder = plant.folder(run)
    if not run or not folder.hot.exists():
        return 0
    try:
        with closing(open_reader(folder.hot)) as hot:
            ranges = Placement.of(hot, "m1").covered
    except StoreError:  # the recorder is making it just now
        return 0
    return ranges[-1][1] if ranges else 0


def compare(plant: Plant, heard: Heard) -> None:
    """What is recorded is what was published: nothing is lost, nothing is double, nothing differs."""
    folder = plant.folder(heard.run)
    rows = list(run_rows(folder, "m1"))
    assert [row.seq for row in rows if isinstance(row, Row)] == list(range(1, len(rows) + 1)), "lost or doubled"
    last = max(heard.states)
    assert len(rows) >= last
    states = States()
    for row in rows[:last]:
        assert isinstance(row, Row)
        assert row.digest == int(heard.states[row.seq].digest, 16)
        assert row.content == states.row(heard.states[row.seq])[0].content
    with closing(open_reader(folder.hot)) as hot:
        spans = list(read_ticks(hot))
        notes = [(note.kind, note.identity) for note in read_notes(hot, 0, 1 << 60)]
        schemas = read_schemas(hot)
    assert spans[0].first == 1
    assert all(after.first == before.last + 1 for before, after in pairwise(spans))
    for span in spans:
        for seq in range(span.first, min(span.last, last) + 1):
            tick = heard.ticks[seq]
            assert (tick.dt, tick.mode) == (span.dt_us / 1e6, span.mode)
            assert [each.id for each in tick.commands] == [each.id for each in span.commands if seq == span.first]
    assert len(notes) == len(set(notes)), "an event or a result is double"
    assert heard.notes <= set(notes), "an event or a result is lost"
    first = rows[0]
    assert isinstance(first, Row)
    assert Rows(schemas[first.schema]).state(first, heard.run).chain == heard.states[1].chain


@pytest.mark.timeout(600 + 10 * KILLS)
def test_killed_again_and_again_in_a_run_it_loses_and_doubles_nothing(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard]
) -> None:
    plant = make_plant()
    wait_for_state(plant)
    heard = listen(plant)
    plant.start("recorder")
    plant.command("start")
    rng = random.Random(7)  # noqa: S311 - the same moments each time
    for kill in range(KILLS):
        before = recorded(plant, heard.run)
        while recorded(plant, heard.run) == before:  # it has started and written something
            heard.listen(0.02)
        heard.listen(rng.uniform(0.0, 0.3))
        plant.kill("recorder")
        plant.start("recorder")
        if kill % 5 == 0:
            plant.command("set_parameters", "m1", drag_area=0.2 + kill / 500)
    heard.listen(1.0)
    plant.command("pause")
    heard.listen(1.0)
    last = max(heard.states)
    eventually(lambda: recorded_rows(plant) >= last, 30.0, "the recorder has caught up")
    plant.stop("recorder")
    assert "conflict" not in plant.log("recorder")
    compare(plant, heard)


def test_it_records_a_run_and_answers_for_it(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant()
    plant.start("recorder")
    run = wait_for_state(plant).run
    plant.command("set_speed", speed=20)
    plant.command("start")
    eventually(lambda: recorded_rows(plant) > 300, 30.0, "three seconds are recorded")
    growing = HistoryRequest(run=run, module="m1", channels=["chain.speed"], start=0.0, end=1e6, bins=1)
    seen: list[int] = []
    while len(seen) < 5:  # history is read while the run is written
        live = plant.ask(growing)
        assert isinstance(live, History)
        seen += [count for count in live.channels[0].samples if count > sum(seen[-1:])]
    plant.command("pause")
    plant.command("set_parameters", "m1", drag_area=-1.0)
    runs = plant.ask(RunsRequest(before=""))
    assert isinstance(runs, Runs)
    assert (runs.status, runs.more, runs.runs[0].run, runs.runs[0].recording) == ("ok", False, run, True)
    channels = plant.ask(ChannelsRequest(run="", module="m1", after=0))
    assert isinstance(channels, Channels)
    assert channels.total == len(channels.channels) or len(channels.channels) == 500
    assert next(each for each in channels.channels if each.name == "grid.net_power").unit == "W"
    asked = HistoryRequest(run=run, module="m1", channels=["chain.speed", "meters.cop"], start=0.0, end=60.0, bins=60)
    history = plant.ask(asked)
    assert isinstance(history, History)
    assert history.width == 1.0
    speed, cop = history.channels
    assert (speed.unit, speed.name) == ("m/s", "chain.speed")
    assert len(speed.mean) == len(history.t)
    assert speed.samples[-1] > 0
    assert cop.mean[0] is None
    notes = eventually(lambda: _results(plant, run, "set_parameters"), 5.0, "the rejected command is recorded")
    assert "drag_area" in notes[0].reason
    for request, text in (
        (HistoryRequest(run="nope", module="m1", channels=["a"], start=0, end=1, bins=1), "recorded are " + run),
        (HistoryRequest(run="", module="m9", channels=["a"], start=0, end=1, bins=1), "there are"),
        (HistoryRequest(run="", module="m1", channels=["grid"], start=0, end=1, bins=1), "is a group"),
        (HistoryRequest(run="", module="m1", channels=["x"] * 64, start=0, end=1, bins=1000), "ask for fewer"),
        (ChannelsRequest(run="", module="m9", after=0), "recorded are m1"),
    ):
        refused = plant.ask(request)
        assert isinstance(refused, Refused)
        assert text in refused.reason


def _results(plant: Plant, run: str, name: str) -> list[Result]:
    reply = plant.ask(NotesRequest(run=run, start=0.0, end=1e6, after=0))
    assert isinstance(reply, Notes)
    return [result for result in reply.results if result.name == name]


def test_a_recorder_that_comes_late_has_the_run_from_its_beginning_and_the_next_one_too(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard]
) -> None:
    plant = make_plant()
    wait_for_state(plant)
    heard = listen(plant)
    plant.command("start")
    heard.listen(2.0)
    plant.start("recorder")
    while not recorded(plant, heard.run):  # it has found the run; an ended one that it never heard of it would not seek
        heard.listen(0.1)
    first = heard.run
    plant.command("reset")
    while heard.run == first:
        heard.listen(0.1)
    heard.listen(1.0)
    eventually(plant.folder(heard.run).hot.exists, 10.0, "the next run is recorded")
    eventually(lambda: recorded_rows(plant) > 50, 10.0, "its states too")
    rows = [row.seq for row in run_rows(plant.folder(first), "m1") if isinstance(row, Row)]
    assert rows == list(range(1, len(rows) + 1))
    assert len(rows) > 100


def test_what_was_published_while_it_was_away_is_recorded_though_the_run_has_ended(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard]
) -> None:
    plant = make_plant(rate=10)
    wait_for_state(plant)
    heard = listen(plant)
    plant.start("recorder")
    plant.command("start")
    eventually(lambda: recorded_rows(plant) > 20, 20.0, "a run is recorded")
    heard.listen(0.5)
    owed = heard.run
    # The module says that it can begin another run and dies before that acts, two ticks or 0.2 s later: the run ends
    # without the states of its last ticks, and the recorder dies too.
    plant.command("reset")
    plant.kill("physics")
    eventually(lambda: _next_is_begun(plant, owed), 10.0, "ticks of the next run are recorded")
    plant.kill("recorder")
    plant.start("physics", "--module", "m1")
    eventually(lambda: heard.after(0.2) and heard.run != owed, 20.0, "the module is in the next run")
    missed = heard.run
    for _ in range(2):  # two more runs begin, of which the recorder hears nothing
        heard.listen(0.3)
        plant.command("reset")
        heard.listen(0.7)
    plant.start("recorder")
    ends = {path.stem: 0 for path in (plant.data / "runs").glob("*.ticks")}
    assert len(ends) == 4
    ends = {run: _ticks(plant, run) for run in sorted(ends)[:-1]}
    assert missed in ends
    eventually(lambda: {run: recorded(plant, run) for run in ends} == ends, 30.0, "all of them are recorded to the end")
    for run, last in ends.items():
        rows = [row.seq for row in run_rows(plant.folder(run), "m1") if isinstance(row, Row)]
        assert rows == list(range(1, last + 1)), run


def _next_is_begun(plant: Plant, run: str) -> bool:
    """True once ticks of a later run are on disk."""
    newest = run_folders(plant.data / "recordings")[-1]
    try:
        with closing(open_reader(newest.hot)) as hot:
            return newest.run != run and any(read_ticks(hot))
    except StoreError:  # the recorder is making it just now
        return False


def _ticks(plant: Plant, run: str) -> int:
    """Ticks of a run that has ended, as the clock has them on disk."""
    found = clock_runs.RunLogs(plant.data / "runs", lambda _run: []).read(run)
    assert found is not None
    return found.last


def test_a_full_disk_is_told_and_nothing_is_lost_once_there_is_room(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard], tmp_path: Path
) -> None:
    """A small disk for the recordings alone: the simulation goes on, and what could not be written comes again."""
    disk = tmp_path / "recordings"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small disk needs the rights to mount one")
    try:
        plant = make_plant(KPP_RECORDER_RESERVE="0")
        wait_for_state(plant)
        heard = listen(plant)
        plant.start("recorder")
        plant.command("start")
        heard.listen(2.0)
        eventually(lambda: recorded(plant, heard.run) > 50, 10.0, "it records")
        with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(bytes(65536)) == 65536:
                pass
        # Within 2 s, and as long again for a busy machine.
        eventually(lambda: plant.status().startswith("degraded"), 4.0, "the recorder says that the disk is full")
        before = max(heard.states)
        heard.listen(2.0)
        assert max(heard.states) > before + 50, "the simulation goes on"
        (disk / "ballast").unlink()
        eventually(lambda: plant.status() == "ok", 10.0, "the recorder is well again")
        plant.command("pause")
        heard.listen(1.0)
        last = max(heard.states)
        eventually(lambda: recorded(plant, heard.run) >= last, 30.0, "the recorder has caught up")
        plant.stop("recorder")
        compare(plant, heard)
    finally:
        for process in plant.processes.values():
            process.kill()
            process.wait()
        subprocess.run(["umount", str(disk)], check=True)


def test_what_damage_has_taken_out_is_sent_again_by_its_producers(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard]
) -> None:
    plant = make_plant()
    wait_for_state(plant)
    heard = listen(plant)
    plant.start("recorder")
    plant.command("start")
    eventually(lambda: heard.after(0.1) and recorded(plant, heard.run) > 300, 20.0, "three seconds are recorded")
    plant.stop("recorder")
    folder = plant.folder(heard.run)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 250)
    data = bytearray(folder.segment(line.file).read_bytes())
    data[len(data) // 2] ^= 8
    folder.segment(line.file).write_bytes(data)
    plant.start("recorder")  # the first scrub finds it
    eventually(lambda: heard.after(0.1) and "damage found" in plant.log("recorder"), 20.0, "the damage is told")
    eventually(lambda: heard.after(0.1) and _whole(plant, heard.run), 30.0, "the hole is filled")
    assert plant.status().startswith("alarm: 1 damaged")
    plant.command("pause")
    heard.listen(1.0)
    last = max(heard.states)
    eventually(lambda: recorded(plant, heard.run) >= last, 20.0, "the recorder has caught up")
    plant.stop("recorder")
    compare(plant, heard)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_it_starts_with_a_hot_store_that_is_cut_off_and_has_the_rest_sent_again(
    make_plant: Callable[..., Plant], listen: Callable[[Plant], Heard], share: float
) -> None:
    plant = make_plant()
    wait_for_state(plant)
    heard = listen(plant)
    plant.start("recorder")
    plant.command("start")
    eventually(lambda: heard.after(0.1) and recorded(plant, heard.run) > 200, 20.0, "two seconds are recorded")
    plant.kill("recorder")
    hot = plant.folder(heard.run).hot
    with hot.open("r+b") as file:
        file.truncate(int(hot.stat().st_size * share))
    log = hot.with_name(f"{hot.name}-wal")
    log.write_bytes(log.read_bytes()[: int(log.stat().st_size * share)])
    plant.start("recorder")
    eventually(lambda: heard.after(0.1) and "damage found" in plant.log("recorder"), 20.0, "the damage is told")
    plant.command("pause")
    heard.listen(1.0)
    last = max(heard.states)
    eventually(lambda: recorded(plant, heard.run) >= last and _whole(plant, heard.run), 30.0, "it has all again")
    plant.stop("recorder")
    compare(plant, heard)


def _whole(plant: Plant, run: str) -> bool:
    with closing(open_reader(plant.folder(run).hot)) as hot:
        ranges = Placement.of(hot, "m1").covered
    return len(ranges) == 1 and ranges[0][0] == 1
