"""What of a plant module is an alarm: its trip, its emergency stop, and each warning of its controller. Pure."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from bus.protocol.messages import CLOCK_MODULE, Command
from bus.protocol.state import Plc
from bus.view.alarms import ACKNOWLEDGE, Alarms, Condition, acknowledged, compared

_ID_LENGTH = 64


def after_commands(alarms: Alarms, commands: Sequence[Command], t: float) -> Alarms:
    """The alarms of a module after the acknowledgements among the commands of a tick; the clock answers those."""
    for command in commands:
        if command.module == CLOCK_MODULE and command.name == ACKNOWLEDGE:
            alarms = acknowledged(alarms, command.args.get("alarm"), t, command.origin)
    return alarms


def after_tick(alarms: Alarms, module: str, plc: Plc, seq: int, t: float) -> Alarms:
    """The alarms of a module after the plant was advanced."""
    return compared(alarms, conditions(module, plc), seq, t)


def conditions(module: str, plc: Plc) -> dict[str, Condition]:
    """The conditions that a controller shows, by the id of their alarm."""
    found: dict[str, Condition] = {}
    if plc.trip is not None:
        limit, unit = _limit(plc.trip_limit)
        found[f"{module}.trip"] = Condition(module, "high", f"tripped: {plc.trip}", None, limit, unit)
    if plc.state == "emergency_stop":
        found[f"{module}.emergency_stop"] = Condition(module, "high", "emergency stop")
    # Controllers of old snapshots have warnings without values: the texts count, and what is missing is null.
    shown = zip_longest(plc.warnings, plc.warning_values, plc.warning_limits)
    for warning, value, limit_text in shown:
        limit, unit = _limit(limit_text)
        found[_id(module, warning)] = Condition(module, "low", warning, value, limit, unit)
    return found


def _id(module: str, warning: str) -> str:
    """By what stands before the colon: the numbers behind it change all the time, the warning does not."""
    subject = warning.partition(":")[0]
    slug = re.sub(r"[^a-z0-9]+", "_", subject.lower()).strip("_") or "warning"
    # Cut, not refused: an alarm with a shortened id is worth more than none.
    return f"{module}.{slug}"[:_ID_LENGTH]


def _limit(text: str | None) -> tuple[float | None, str]:
    """Number and unit of a limit, which the controller gives as one text."""
    if text is None:
        return None, ""
    number, _, unit = text.partition(" ")
    return float(number), unit
