"""What nodes say of themselves becomes an alarm of the run: in the journal, and the same for everybody ever after."""

from pathlib import Path

from bus.protocol.health import CONFLICTS, OK, STORAGE, HealthReport
from bus.protocol.messages import Alarm, Beat, Command, Event, Tick
from tests.nodes.clock.test_recovery import Clocks

FULL = HealthReport("degraded", "the disk is full", STORAGE)
CONFLICT = HealthReport("alarm", "1 conflicts, the first in the state of m1 at tick 3", CONFLICTS)


class Plant:
    """A clock with its files, and a recorder that says something."""

    def __init__(self, folder: Path) -> None:
        self.clocks = Clocks(folder)
        self.commands: list[Command] = []
        self.events: list[Event] = []

    def go(self, said: HealthReport | None, ticks: int = 5) -> list[Alarm]:
        """Let ticks pass while the recorder says that, or is silent; the alarms that the clock tells of then."""
        clocks = self.clocks
        for _ in range(ticks):
            if said is not None:
                beat = Beat(node="recorder", instance="a", pid=1, seq=0, status=said.text, health=said.health)
                clocks.core.heard(beat, clocks.now_ns)
            clocks.core.status(clocks.now_ns, 0.0, 0.0, realtime_priority=False)
            clocks.decide()
            for message in clocks.compose():
                if isinstance(message, Tick):
                    self.commands += message.commands
                    clocks.acknowledge(message.seq)
                if isinstance(message, Event):
                    self.events.append(message)
        return clocks.core.status(clocks.now_ns, 0.0, 0.0, realtime_priority=False).alarms

    def acknowledge(self, alarm: str) -> None:
        request = self.clocks.request(f"ack-{alarm}", "clock", "acknowledge", {"alarm": alarm})
        assert self.clocks.sequence(request) is not None


def test_a_node_that_tells_of_an_alarm_is_listed_until_it_has_gone_and_was_seen(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    assert plant.go(OK) == []
    (alarm,) = plant.go(CONFLICT)
    assert (alarm.id, alarm.module, alarm.priority) == ("recorder.alarm", "recorder", "high")
    assert (alarm.state, alarm.first_out) == ("unacknowledged", True)
    assert alarm.text == CONFLICT.text
    assert [(event.severity, event.kind, event.seq) for event in plant.events] == [("alarm", "node", alarm.raised_seq)]
    assert plant.go(CONFLICT._replace(detail="2 conflicts"))[0].raised_seq == alarm.raised_seq
    assert len([each for each in plant.commands if each.name == "node_alarms"]) == 1, "one command for one change"
    (gone,) = plant.go(OK)
    assert (gone.state, gone.active) == ("returned_unacknowledged", False)
    plant.acknowledge("recorder.alarm")
    assert plant.go(OK) == []
    (low,) = plant.go(FULL)
    assert (low.id, low.priority) == ("recorder.degraded", "low")
    assert len(plant.events) == 1, "what is degraded is no event"
    (silent,) = plant.go(None, ticks=250)
    assert not silent.active, "nobody tells of it any more"


def test_h03_a_clock_that_was_killed_tells_the_same_alarms(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.go(OK)
    plant.go(CONFLICT)
    plant.acknowledge("recorder.alarm")
    before = plant.go(CONFLICT)
    assert [alarm.state for alarm in before] == ["acknowledged"]
    plant.clocks.start(heard=False)
    assert plant.go(None) == before, "before the node is heard again"
    assert plant.go(CONFLICT) == before, "and after"
    assert plant.go(OK) == []


def test_only_the_clock_notes_alarms_of_nodes(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.go(OK)
    request = plant.clocks.request("x", "clock", "node_alarms", {"present": []})
    refused = plant.clocks.sequence(request)
    assert "only the clock itself" in str(refused)
