"""Files that another program keeps locked: ticks and reports go on, commands are refused for a while, starts wait."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from bus.protocol.messages import Command, Refused, ReplayRequest, Status, Tick
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from bus.transport.request import RefusedError
from nodes.clock.archive import Archive
from nodes.clock.core import ClockCore, ClockSettings
from nodes.clock.journal import Journal, JournalError, JournalLockedError
from nodes.clock.runs import RunLogs
from runtime.process import WAITING
from tests.nodes.recorder.conftest import Plant, make_plant, recorded_rows, wait_for_state
from tests.watching import eventually

__all__ = ["make_plant"]

COMMAND = Command(id="abc", module="m1", name="set_parameters", args={"drag_area": 0.4}, origin="test")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program that writes to a database and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60.0)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


def test_f02_a_locked_journal_says_so_at_once_and_takes_the_command_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path)) as journal:
        journal.next_epoch(1.0)
        with locked(path):
            with pytest.raises(JournalLockedError, match="another program keeps it locked"):
                journal.reserve()
            with pytest.raises(JournalLockedError):
                journal.append(COMMAND, "0001-001", 3)
            assert journal.find("abc") is None
            with closing(Journal(path)) as second, pytest.raises(JournalLockedError):
                second.next_epoch(2.0)
        journal.reserve()
        journal.append(COMMAND, "0001-001", 4)
        assert journal.commands("0001-001") == [(4, COMMAND)]


def test_f02_a_reserved_journal_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path)) as journal:
        journal.next_epoch(1.0)
        journal.reserve()
        journal.release()
        journal.release()
        with locked(path):
            pass
        journal.append(COMMAND, "0001-001", 4)
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append(COMMAND, "0001-001", 5)
        with locked(path):
            pass


def test_f02_an_ended_run_whose_commands_are_locked_can_be_had_later(tmp_path: Path) -> None:
    def locked_commands(_run: str) -> list[tuple[int, Command]]:
        raise JournalLockedError("journal cannot be read: another program keeps it locked")

    settings = ClockSettings(epoch=1, rate=100, modules=("m1",), scenario="reference")
    core = ClockCore(settings)
    runs = RunLogs(tmp_path / "runs", locked_commands)
    runs.begin(core.header)
    runs.close()
    reply = Archive(runs, settings).replay(ReplayRequest(run=core.run, after=0), 1.0)
    assert isinstance(reply, Refused)
    assert reply.retry_after > 0, "without it a reader would take it for lost"


def test_f02_ticks_and_reports_go_on_under_a_lock_and_commands_are_refused_for_a_while(
    make_plant: Callable[..., Plant],
) -> None:
    plant = make_plant()
    wait_for_state(plant)
    plant.command("start")
    with closing(Listener(plant.endpoints, ("tick", "status"), repair=False)) as listener:

        def hear(count: int) -> list[Tick]:
            ticks: list[Tick] = []
            reports = 0
            while len(ticks) < count:
                message = listener.receive(60.0)
                assert message is not None, "the clock has fallen silent"
                ticks += [message] if isinstance(message, Tick) else []
                reports += isinstance(message, Status)
            assert reports >= count // 40, "five reports a second"
            return ticks

        hear(50)
        request = command("m1", "set_parameters", {"drag_area": 0.4}, "test")
        with locked(plant.data / "journal.sqlite"):
            for _ in range(5):
                with pytest.raises(RefusedError, match="another program keeps it locked") as refused:
                    sequence(plant.endpoints, request)
                assert refused.value.refused.retry_after > 0
            under = hear(300)
        assert all(after.seq == before.seq + 1 and after.t > before.t for before, after in pairwise(under))
        assert not [tick for tick in under if tick.commands]
        promised = sequence(plant.endpoints, request)
        after = hear(50)
    carried = [tick.seq for tick in (*under, *after) for each in tick.commands if each.id == request.id]
    assert carried == [promised.seq]


def test_f02_a_clock_that_starts_under_a_lock_waits_and_says_so(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(nodes=False)
    with closing(Journal(plant.data / "journal.sqlite")) as journal:
        journal.next_epoch(1.0)
    with locked(plant.data / "journal.sqlite"):
        plant.start("clock")
        process = psutil.Process(plant.processes["clock"].pid)
        eventually(lambda: "waiting for the journal" in plant.log("clock"), 20, "it says that it waits")
        comm = Path(f"/proc/{process.pid}/comm")
        eventually(lambda: comm.read_text().strip() == WAITING, 5, "the supervisor sees it")
    with closing(Listener(plant.endpoints, ("tick",), repair=False)) as listener:
        eventually(lambda: listener.receive(1.0), 20, "it ticks once the lock is gone")
    assert plant.log("clock").count("waiting for the journal") == 1
    assert comm.read_text().strip() != WAITING


@pytest.mark.parametrize("anew", [False, True], ids=["at work", "started under the lock"])
def test_a_recorder_whose_file_is_locked_beats_says_so_and_loses_nothing(
    make_plant: Callable[..., Plant], anew: bool
) -> None:
    plant = make_plant()
    plant.start("recorder")
    run = wait_for_state(plant).run
    plant.command("start")
    eventually(lambda: recorded_rows(plant) > 50, 20, "a run is recorded")
    if anew:
        plant.kill("recorder")
    with locked(plant.folder(run).hot), closing(Listener(plant.endpoints, ("status",), repair=False)) as listener:
        if anew:
            plant.start("recorder")
        pid = plant.processes["recorder"].pid
        ages: list[float] = []
        lags: list[dict[str, int]] = []
        while len(ages) < 40:
            message = listener.receive(60.0)
            assert isinstance(message, Status)
            found = [peer.age for peer in message.peers if peer.pid == pid and "locked" in peer.status]
            ages += found
            lags += [message.unrecorded] if found and message.unrecorded else []
    assert sorted(ages)[len(ages) // 2] < 2.0, "it beats on"
    for publisher in ("clock", "m1"):
        assert lags[-1][publisher] > lags[0][publisher], "and counts what is not on disk"
    seq = wait_for_state(plant).seq
    eventually(lambda: recorded_rows(plant) >= seq, 30, "it goes on where it was")
    # What it has written it tells the clock with its next beat.
    eventually(lambda: plant.status() == "ok", 30, "nothing is lost")
    assert plant.processes["recorder"].poll() is None
