"""Holes of several modules are filled by turns, and no longer at a time than other work can wait."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Frames, FramesRequest
from bus.transport.request import Inquiry, NotAnsweredError, Patience
from nodes.recorder import holes
from nodes.recorder.core import Intake
from nodes.recorder.holes import HoleRepairer
from recording.cursor import Placement
from recording.folder import RunFolder, make_folder
from recording.hot import HotStore
from tests.nodes.recorder.test_rows import make_state

RUN = "0001-001"
MODULES = ("m1", "m2", "m3")
LAST = 40
AT_ONCE = 10


class Producers:
    """Every module's, which answer with some ticks at a time; those that are away do not."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._names = {each.instances[0].snapshot: each.module for each in endpoints.modules}
        self.asked: list[str] = []
        self.away: set[str] = set()

    def request(self, asked: Inquiry[Any], _patience: Patience) -> Frames:
        """As `bus.transport.request.request`."""
        name, request = self._names.get(asked.addresses[0]), asked.message
        if name is None or not isinstance(request, FramesRequest):
            raise NotAnsweredError  # the clock's ticks are no matter here
        self.asked.append(name)
        if name in self.away:
            raise NotAnsweredError
        through = min(LAST, request.after + AT_ONCE)
        states = [_state(name, seq) for seq in range(request.after + 1, through + 1)]
        return Frames(RUN, request.after, through, LAST, states, [], [])


def _state(module: str, seq: int) -> Any:
    return make_state(seq=seq, run=RUN, module=module, t=seq / 100, events=0, results=0)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of which each module's last state alone is recorded."""
    made = make_folder(tmp_path, RUN)
    intake = Intake()
    for name in MODULES:
        intake.take(_state(name, LAST + 1))
    with closing(HotStore(made.hot)) as store:
        store.write(intake.batches()[RUN])
    return made


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> Producers:
    """What answers."""
    made = Producers(endpoints())
    monkeypatch.setattr(holes, "request", made.request)
    return made


def endpoints() -> Endpoints:
    """Of a plant with all these modules."""
    return Endpoints.from_environment({"KPP_MODULES": ",".join(MODULES)})


def recorded(folder: RunFolder) -> dict[str, int]:
    """How many of each module's ticks are there."""
    with closing(HotStore(folder.hot)) as store:
        return {name: sum(b - a + 1 for a, b in Placement.of(store.connection, name).covered) for name in MODULES}


def test_each_module_gets_an_answer_in_turn(folder: RunFolder, producers: Producers) -> None:
    assert HoleRepairer(endpoints()).repair(folder, 60.0)
    assert producers.asked == [*MODULES] * (LAST // AT_ONCE)
    assert recorded(folder) == dict.fromkeys(MODULES, LAST + 1)


def test_a_spell_ends_and_the_next_one_goes_on_with_the_next_module(folder: RunFolder, producers: Producers) -> None:
    repairer = HoleRepairer(endpoints())
    for done in range(1, 13):
        whole = repairer.repair(folder, 0.0)
        counts = recorded(folder).values()
        assert max(counts) - min(counts) <= AT_ONCE, "none is far ahead"
        assert sum(counts) == len(MODULES) + AT_ONCE * done
        assert not whole
    while not repairer.repair(folder, 0.0):
        pass
    assert producers.asked == [*MODULES] * (LAST // AT_ONCE)


def test_a_module_that_does_not_answer_is_asked_once_and_keeps_nobody_waiting(
    folder: RunFolder, producers: Producers
) -> None:
    producers.away = {"m1", "m3"}
    repairer = HoleRepairer(endpoints())
    for _ in range(20):
        if repairer.repair(folder, 0.0):
            break
    else:
        pytest.fail("it never comes to an end")
    assert recorded(folder) == {"m1": 1, "m2": LAST + 1, "m3": 1}
    assert producers.asked.count("m1") == producers.asked.count("m3") == 1
    producers.away = set()
    assert repairer.repair(folder, 60.0), "the next time it is asked again"
    assert recorded(folder) == dict.fromkeys(MODULES, LAST + 1)
