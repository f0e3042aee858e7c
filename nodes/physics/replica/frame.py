"""What can be observed of a plant, as messages of the bus. Pure."""

from typing import Any

import msgspec

from bus.protocol.messages import Event, State
from bus.protocol.schema import Message
from bus.protocol.state import PlantCondition, Plc
from kpp_physics.plant import Plant

GROUPS: dict[str, Any] = {
    field.name: field.type
    for field in msgspec.structs.fields(State)
    if isinstance(field.type, type) and issubclass(field.type, Message)
}
"""The groups of a state by name; the plant's observation has the same names."""


def observed_groups(plant: Plant, *, settled: bool) -> dict[str, Message]:
    """The groups of a state.

    Args:
        plant: the plant after a tick.
        settled: whether the laps in the means are alike.
    """
    observed = plant.observe()
    # The plant cannot know it: whether a command acted in the laps is a fact of the run.
    observed["meters"]["settled"] = settled
    return {
        name: controller(observed[name]) if part is Plc else part(**observed[name]) for name, part in GROUPS.items()
    }


def controller(observed: dict[str, Any]) -> Plc:
    """The controller's group, from the plant's observation of it."""
    return Plc(**observed | {"conditions": [PlantCondition(**each) for each in observed["conditions"]]})


def changes(before: Plc | None, after: Plc, header: dict[str, Any]) -> list[Event]:
    """The events for what has changed in the controller from one tick to the next.

    Args:
        before: the controller at the tick before; None at the first one.
        after: the controller now.
        header: `t, seq, run, wall, module`.
    """
    events: list[Event] = []
    # The first tick reports the state as a change: whoever listens from the beginning needs no other message for it.
    if before is None or before.state != after.state:
        tripped = after.state in {"tripped", "emergency_stop"}
        cause = f": {after.trip}" if after.trip else ""
        text = f"plant {after.state.replace('_', ' ')}{cause}"
        events.append(Event(**header, severity="alarm" if tripped else "info", kind="plc_state", text=text))
    # By id: the figures in a warning's text change at every tick, and are no news.
    known = {} if before is None else _warnings(before)
    present = _warnings(after)
    events.extend(
        Event(**header, severity="warning", kind="warning", text=f"warning on: {found.text}")
        for each, found in present.items()
        if each not in known
    )
    events.extend(
        Event(**header, severity="info", kind="warning", text=f"warning off: {found.name}")
        for each, found in known.items()
        if each not in present
    )
    return events


def _warnings(plc: Plc) -> dict[str, PlantCondition]:
    return {each.id: each for each in plc.conditions if each.priority == "low"}
