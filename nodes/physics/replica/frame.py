"""What a plant shows of itself, as the messages of the bus."""

from typing import Any

import msgspec

from bus.protocol.messages import Event, State
from bus.protocol.schema import Message
from bus.protocol.state import Plc
from kpp_physics.plant import Plant

GROUPS: dict[str, Any] = {
    field.name: field.type
    for field in msgspec.structs.fields(State)
    if isinstance(field.type, type) and issubclass(field.type, Message)
}
"""The parts of a state frame; the plant observes the same names."""


def observed_groups(plant: Plant, *, settled: bool) -> dict[str, Message]:
    """The groups of a state frame.

    Args:
        plant: the plant after a tick.
        settled: whether the laps in the means are alike.
    """
    observed = plant.observe()
    # The plant cannot know it: whether a command acted in the laps is a fact of the run.
    observed["meters"]["settled"] = settled
    return {name: part(**observed[name]) for name, part in GROUPS.items()}


def changes(before: Plc | None, after: Plc, header: dict[str, Any]) -> list[Event]:
    """Events for what changed in the controller between two ticks.

    Args:
        before: controller at the tick before, None at the first.
        after: controller now.
        header: `t, seq, run, wall, module`.
    """
    events: list[Event] = []
    # The first tick reports the state as a change: whoever listens from the beginning needs no other message for it.
    if before is None or before.state != after.state:
        tripped = after.state in {"tripped", "emergency_stop"}
        cause = f": {after.trip}" if after.trip else ""
        text = f"plant {after.state.replace('_', ' ')}{cause}"
        events.append(Event(**header, severity="alarm" if tripped else "info", kind="plc_state", text=text))
    # By subject: the figures behind a warning's colon change at every tick, and are no news.
    known = _by_subject(before.warnings if before is not None else [])
    present = _by_subject(after.warnings)
    events.extend(
        Event(**header, severity="warning", kind="warning", text=f"warning on: {text}")
        for subject, text in present.items()
        if subject not in known
    )
    events.extend(
        Event(**header, severity="info", kind="warning", text=f"warning off: {subject}")
        for subject in known
        if subject not in present
    )
    return events


def _by_subject(warnings: list[str]) -> dict[str, str]:
    """Warnings by what stands before their colon: the numbers behind it change all the time, the warning does not."""
    return {warning.partition(":")[0]: warning for warning in warnings}
