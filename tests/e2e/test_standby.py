"""Two instances of a module: whichever dies or is stopped, every state comes once, in order and with the same bits."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import psutil
import pytest

from bus.protocol.messages import State, Tick
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from catalog.scenarios import Scenarios
from nodes.physics.replica.fold import Fold, Identity
from tests.e2e.conftest import ROOT, Plant, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

FAULTS = [(signal.SIGKILL, "a"), (signal.SIGSTOP, "b"), (signal.SIGSTOP, "a"), (signal.SIGKILL, "b")]
BETWEEN = 100
"""States between two faults."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant with a hot standby."""
    with started(tmp_path_factory.mktemp("standby"), instances=2) as plant:
        yield plant


def process(plant: Plant, instance: str) -> psutil.Process | None:
    """The process of one instance of the module."""
    for child in psutil.Process(plant.process.pid).children():
        line = child.cmdline()
        if "nodes.physics" in line and (line[-1] == "b") == (instance == "b"):
            return child
    return None


def both_fold(plant: Plant) -> bool:
    """True when both instances keep up, as the clock has it."""
    page = plant.get(plant.endpoints.clock_http, "/health")
    if page is None:
        return False
    peers = [peer for peer in page.json()["peers"] if peer["node"] == "m1" and peer["age"] < 1]
    return len({peer["instance"] for peer in peers if peer["health"] == "ok"}) == 2


def test_whichever_instance_dies_no_state_is_missing_doubled_or_different(pair: Plant) -> None:
    with closing(Listener(pair.endpoints, ("tick", "state/m1/"))) as listener:
        eventually(lambda: both_fold(pair), 30, "both instances fold")
        sequence(pair.endpoints, command("clock", "reset", {}, "test"))
        sequence(pair.endpoints, command("clock", "start", {}, "test"))
        ticks: list[Tick] = []
        states: list[State] = []

        def hear(until: int) -> None:
            while len(states) < until:
                message = listener.receive(120.0)
                assert message is not None, "the stream goes on"
                if isinstance(message, Tick):
                    ticks.append(message)
                elif isinstance(message, State):
                    states.append(message)

        hear(BETWEEN)
        for kind, instance in FAULTS:
            leader = eventually(partial(process, pair, instance), 20, "the instance runs")
            os.kill(leader.pid, kind)
            hear(len(states) + BETWEEN)
            eventually(lambda: both_fold(pair), 60, "both instances fold again")
            hear(len(states) + BETWEEN)
    assert listener.streams.lost == 0
    assert {state.instance for state in states} == {"a", "b"}, "both have led"
    runs = list(dict.fromkeys(state.run for state in states))
    for run in runs:
        of_run = [state.seq for state in states if state.run == run]
        assert of_run == list(range(of_run[0], of_run[0] + len(of_run)))
    last = [tick for tick in ticks if tick.run == runs[-1]]
    assert [tick.seq for tick in last] == list(range(1, len(last) + 1))
    scenarios = Scenarios(ROOT / "scenarios")
    fold = Fold(Identity("m1", "reference"), runs[-1], lambda _run, name: scenarios.read(name))
    expected = {
        message.seq: message.digest
        for tick in last
        for message in fold.tick(tick.commands, round(tick.dt * 1e6), 0.0, shown=True)
        if isinstance(message, State)
    }
    compared = [state for state in states if state.run == runs[-1] and state.seq <= len(last)]
    assert len(compared) > BETWEEN * len(FAULTS)
    assert [state.digest for state in compared] == [expected[state.seq] for state in compared]
