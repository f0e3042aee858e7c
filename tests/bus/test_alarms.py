"""What nodes say of themselves becomes an alarm that everyone lists alike."""

from bus import codec
from bus.alarms import Alarm, Alarms
from bus.messages import Command, Peer, Status, Tick
from tests.bus.samples import sample

CONFLICT = "alarm: 1 conflicts, the first in the state of m1 at tick 3"


def status(seq: int, *said: tuple[str, float], run: str = "r1") -> Status:
    """A report of the clock in which recorders say something, each as long ago as given."""
    peers = [Peer("recorder", f"pid-{k}", k, text, seq, 0, age) for k, (text, age) in enumerate(said)]
    message: Status = codec.build(Status, sample(Status) | {"run": run, "seq": seq, "t": seq / 100, "peers": []})
    return Status(**{name: getattr(message, name) for name in message.__struct_fields__} | {"peers": peers})


def tick(seq: int, run: str = "r1", *commands: Command) -> Tick:
    """A tick with commands."""
    fields = sample(Tick) | {"run": run, "seq": seq, "t": seq / 100, "commands": []}
    message: Tick = codec.build(Tick, fields)
    return Tick(**{name: getattr(message, name) for name in message.__struct_fields__} | {"commands": list(commands)})


def shown(alarms: Alarms) -> list[tuple[str, str, str, str]]:
    """What is listed."""
    listed: list[Alarm] = alarms.listing()
    return [(alarm.id, alarm.module, alarm.priority, alarm.state) for alarm in listed]


def test_a_node_that_tells_of_an_alarm_is_listed_until_it_has_gone_and_was_seen() -> None:
    alarms = Alarms()
    alarms.on_tick(tick(1))
    alarms.on_status(status(1, ("ok", 0.1)))
    assert shown(alarms) == []
    alarms.on_status(status(2, (CONFLICT, 0.1), ("degraded: the disk is full", 0.1)))
    both = [("recorder.alarm", "recorder", "high"), ("recorder.degraded", "recorder", "low")]
    assert shown(alarms) == [(*each, "unacknowledged") for each in both]
    assert alarms.listing()[0].text == CONFLICT
    seen = Command(id="c1", module="clock", name="acknowledge", args={"alarm": "recorder.alarm"}, origin="me")
    alarms.on_tick(tick(3, "r1", seen))
    alarms.on_status(status(3, (CONFLICT.replace("1", "2", 1), 0.1)))
    assert [state for *_who, state in shown(alarms)] == ["acknowledged", "returned_unacknowledged"]
    assert alarms.listing()[0].text.startswith("alarm: 2 conflicts")
    alarms.on_status(status(4, (CONFLICT, 3.0)))  # it has fallen silent: nobody tells of it any more
    assert [alarm_id for alarm_id, *_rest in shown(alarms)] == ["recorder.degraded"]


def test_a_status_of_another_run_than_that_of_the_ticks_is_passed_over() -> None:
    alarms = Alarms()
    alarms.on_tick(tick(1))
    alarms.on_status(status(9, (CONFLICT, 0.1)))
    alarms.on_status(status(1, ("ok", 0.1), run="r2"))
    assert [state for *_who, state in shown(alarms)] == ["unacknowledged"]
    alarms.on_tick(tick(1, "r2"))
    assert shown(alarms) == []
    alarms.on_status(status(1, (CONFLICT, 0.1), run="r2"))
    assert [alarm_id for alarm_id, *_rest in shown(alarms)] == ["recorder.alarm"]
