"""Valid messages of a plant, made from the declarations: for tests that need some, whatever they hold."""

from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import structs

from bus.protocol import codec
from bus.protocol.messages import Alarm, CommandRequest, Result, State, Status, Tick, Violation
from bus.protocol.schema import Message
from bus.protocol.state import PlantCondition
from bus.view.alarms import Alarms

RUN = "run-1"


def tick(seq: int, run: str = RUN, **changes: Any) -> Tick:
    """A tick of 10 ms in real time."""
    fields = {
        "t": seq / 100,
        "seq": seq,
        "run": run,
        "wall": 1.7e9,
        "epoch": 1,
        "dt": 0.01,
        "mode": "running",
        "speed": 1.0,
        "flat_out": False,
        "rate": 100,
        "held": [],
        "mono_ns": 0,
        "leaders": {"m1": "i1"},
        "published": {"m1": seq},
        "commands": [],
    }
    message: Tick = codec.build(Tick, fields | changes)
    return message


def status(seq: int, run: str = RUN, **changes: Any) -> Status:
    """A report of the clock in which nothing is wrong."""
    fields = {
        "t": seq / 100,
        "seq": seq,
        "run": run,
        "wall": 1.7e9,
        "epoch": 1,
        "mode": "running",
        "speed": 1.0,
        "flat_out": False,
        "achieved_speed": 0.99,
        "rate": 100,
        "lateness": None,
        "frames_sent": seq,
        "deadlines_missed": 0,
        "bad_frames": 0,
        "held": [],
        "policy": "hold",
        "held_time": 0.0,
        "owed_time": 0.0,
        "problems": [],
        "realtime_priority": False,
        "scenario": "reference",
        "unrecorded": {"clock": 4, "m1": 250},
        "peers": [
            {
                "node": "m1",
                "instance": "i1",
                "pid": 17,
                "status": "ok",
                "health": "ok",
                "seq": seq,
                "gaps": 0,
                "age": 0.1,
                "restarts": 2,
            }
        ],
    }
    message: Status = codec.build(Status, fields | changes)
    return message


def state(
    seq: int,
    run: str = RUN,
    module: str = "m1",
    floaters: int = 66,
    plc: dict[str, Any] | None = None,
    alarms: Alarms = (),
) -> State:
    """A state whose numbers depend on `seq`, so that two of them can be told apart."""
    fields = _filled(State, seq, floaters)
    fields |= {
        "t": seq / 100,
        "seq": seq,
        "run": run,
        "wall": 1.7e9,
        "module": module,
        "instance": "i1",
        "scenario": "reference",
        "digest": f"{seq:016x}",
        "results": 0,
        "events": 0,
        "plc": fields["plc"] | {"trip": None, "warning_values": [], **(plc or {})},
        "alarms": [],
    }
    message: State = codec.build(State, fields)
    return structs.replace(message, alarms=list(alarms))


def result(request: CommandRequest, seq: int, violations: list[Violation] | None = None, reason: str = "") -> Result:
    """What became of a command: applied, or rejected when there is a reason."""
    fields = {
        "t": seq / 100,
        "seq": seq,
        "run": RUN,
        "wall": 1.7e9,
        "module": "m1" if request.module == "*" else request.module,
        "id": request.id,
        "name": request.name,
        "outcome": "rejected" if reason else "applied",
        "reason": reason,
        "violations": [structs.asdict(item) for item in violations or []],
        "applied": {} if reason else request.args,
    }
    message: Result = codec.build(Result, fields)
    return message


def _filled(kind: type[Message], seed: int, length: int) -> dict[str, Any]:
    return {name: _value(hint, seed, length) for name, hint in _hints(kind).items()}


@cache
def _hints(kind: type[Message]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name != "TOPIC"}


def _value(hint: Any, seed: int, length: int) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)[0]
    if origin is list:
        item = get_args(hint)[0]
        return [] if item in {str, Alarm, PlantCondition} else [_value(item, seed + k, length) for k in range(length)]
    if origin is not None:  # X | None
        return _value(get_args(hint)[0], seed, length)
    if isinstance(hint, type) and issubclass(hint, Message):
        return _filled(hint, seed, length)
    plain = {bool: True, int: seed % 10, float: seed % 1000 + 0.5, str: "text"}
    return plain[hint]
