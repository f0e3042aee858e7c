"""The alarms of a plant module: its trip, its emergency stop, and each warning of its controller. Pure."""

from collections.abc import Sequence

from bus.protocol.messages import CLOCK_MODULE, Command
from bus.protocol.state import Plc
from bus.view.alarms import ACKNOWLEDGE, Alarms, Condition, acknowledged, compared


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
    """The conditions in a controller that are alarms, by the id of the alarm."""
    return {
        f"{module}.{each.id}": Condition(module, each.priority, each.text, each.value, each.limit, each.unit)
        for each in plc.conditions
    }
