"""Whoever hears the plant knows the same of it: the gateway and the dashboard fold one bus with one view."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bus.protocol import codec
from bus.protocol.messages import Command, Event, Published, Result
from bus.view.alarms import Condition, compared
from bus.view.command_history import CommandHistory
from bus.view.events import EVENTS_KEPT, EventLog
from bus.view.plant_view import FRESH, PlantView
from bus.view.roster import age_of
from nodes.gateway.core import GatewayPlant as Gateway
from tests.nodes.gateway import messages
from ui.shown_plant import ShownPlant as Dashboard


def event(seq: int, text: str = "again", run: str = messages.RUN) -> Event:
    head = {"t": seq / 100, "seq": seq, "run": run, "wall": 1.7e9, "module": "m1"}
    made: Event = codec.build(Event, head | {"severity": "info", "kind": "test", "text": text})
    return made


def command(name: str, origin: str = "alice") -> Command:
    return Command(id=f"id-{name}", module="m1", name=name, args={}, origin=origin)


def result(name: str, seq: int) -> Result:
    head = {"t": seq / 100, "seq": seq, "run": messages.RUN, "wall": 1.7e9, "module": "m1"}
    told = {"id": f"id-{name}", "name": name, "outcome": "applied", "reason": "", "violations": [], "applied": {}}
    made: Result = codec.build(Result, head | told)
    return made


ALARMS = compared((), {"m1.trip": Condition("m1", "high", "tripped: too hot")}, 2, 0.02)

CLOCK: list[Published] = [
    messages.tick(1, commands=[command("inject")]),
    messages.status(1),
    messages.tick(2, commands=[command("begin", "clock")]),
    messages.status(2),
    messages.tick(3),
]

MODULE: list[Published] = [messages.state(1), result("inject", 1), event(1), messages.state(2, alarms=ALARMS), event(2)]


def known(view: PlantView[Any]) -> Sequence[object]:
    """All that a view knows, but for when it came."""
    commands = view.commands.newest(100)
    return [view.tick, view.status, view.states(), view.alarms(), list(view.events), commands, view.runs, view.peers]


@given(st.permutations([CLOCK] * len(CLOCK) + [MODULE] * len(MODULE)))
def test_gateway_and_dashboard_know_the_same_whichever_publisher_is_faster(order: list[list[Published]]) -> None:
    gateway, dashboard = Gateway(("m1",), 0.0), Dashboard(("m1",), ())
    said = {id(publisher): iter(publisher) for publisher in (CLOCK, MODULE)}
    for message in (next(said[id(publisher)]) for publisher in order):
        gateway.on(*codec.encode_published(message), 0.0)
        dashboard.hear(message, 0.0)
    assert known(gateway) == known(dashboard)
    assert gateway.tick == CLOCK[-1]
    assert [alarm.id for alarm in gateway.alarms()] == ["m1.trip"]


def test_a_view_believes_an_older_clock_only_when_the_newer_one_is_silent() -> None:
    view: Dashboard = Dashboard(("m1",), ())
    assert view.show(messages.tick(5, epoch=3), 0.0)
    assert not view.show(messages.status(9, epoch=2), FRESH)
    assert (view.status, view.old_frames) == (None, 1)
    assert view.show(messages.tick(1, "fresh-run", epoch=1), FRESH + 0.1)
    assert view.run == "fresh-run"


def test_events_of_before_are_put_before_those_that_were_heard_and_none_is_told_twice() -> None:
    log = EventLog()
    for each in (event(9, run="run-0"), event(3), event(4)):
        log.add(each)
    log.add_past([event(1), event(2), event(3)])
    assert [(each.run, each.seq) for each in log] == [("run-0", 9), *((messages.RUN, seq) for seq in (1, 2, 3, 4))]
    assert [each.seq for each in log.newest(messages.RUN, 2)] == [3, 4]
    assert [each.seq for each in log.newest("run-9", 2)] == []
    for seq in range(EVENTS_KEPT):
        log.add(event(seq))
    assert len(list(log)) == EVENTS_KEPT


def test_a_command_of_before_does_not_replace_what_is_known_better() -> None:
    history = CommandHistory()
    history.on_result(result("inject", 3))
    assert history.find("id-inject") is None, "its tick is on the way"
    history.on_command(command("inject"), messages.RUN, 3, 1.7e9)
    history.on_command(command("inject"), messages.RUN, 3, None)
    found = history.find("id-inject")
    assert found is not None
    assert (found.wall, found.t, found.outcome, found.origin) == (1.7e9, 0.03, "applied", "alice")


@pytest.mark.parametrize(("ages", "youngest"), [([], None), ([3.0, 0.5], 0.5)])
def test_a_node_is_as_old_as_the_youngest_of_its_beats(ages: list[float], youngest: float | None) -> None:
    peer = replace(messages.status(1).peers[0], node="recorder")
    assert age_of([replace(peer, age=age) for age in ages], "recorder") == youngest
