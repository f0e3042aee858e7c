"""Alarms in the manner of ISA-18.2: a pure fold of conditions and acknowledgements, the same for modules and nodes.

A plant module folds its own conditions tick by tick and publishes the list in its states; the clock folds what nodes
report of themselves and publishes it in its status. Acknowledgements are commands in tick frames. So the list, with
onsets and first-out, is a function of the ordered stream: a consumer shows what the newest frame has, and needs no
memory of its own.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from bus.protocol.messages import MAX_ALARMS, Alarm, Priority, State, Status

ACKNOWLEDGE = "acknowledge"
"""Name of the clock's command by which a person acknowledges an alarm."""

RETURNED_KEPT = 100
"""Alarms that have gone without being acknowledged and are still listed; the oldest are dropped first."""

ACTIVE_KEPT = MAX_ALARMS - RETURNED_KEPT
"""Conditions of one source that are listed at a time; further ones have to wait until some of these have gone."""

Alarms = tuple[Alarm, ...]
"""The alarms of one source, in the order in which they came."""


class Condition(NamedTuple):
    """A condition that is an alarm while it holds; the fields are those of `Alarm`."""

    module: str
    priority: Priority
    text: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""


def compared(alarms: Alarms, present: Mapping[str, Condition], seq: int, t: float) -> Alarms:
    """The alarms after a tick.

    Args:
        alarms: the alarms before it.
        present: the conditions that hold now, by the id of their alarm.
        seq: number of the tick.
        t: its simulated time [s].
    """
    # The usual case, at up to 1000 ticks a second.
    if not alarms and not present:
        return alarms
    known = {alarm.id: alarm for alarm in alarms}
    for alarm in alarms:
        if alarm.active and alarm.id not in present:
            if alarm.state == "acknowledged":
                del known[alarm.id]
            else:
                gone = msgspec.structs.replace(alarm, state="returned_unacknowledged", active=False, cleared_t=t)
                known[alarm.id] = gone
    # First out is the alarm that came while its source had none that was active: the likely cause of those after it.
    before = any(alarm.active for alarm in known.values())
    for alarm_id, condition in list(present.items())[:ACTIVE_KEPT]:
        found = known.get(alarm_id)
        if found is not None and found.active:
            told = condition._asdict()
            known[alarm_id] = msgspec.structs.replace(found, **told)
        else:
            known.pop(alarm_id, None)  # an alarm that comes again is a new one, at the end of the list
            known[alarm_id] = _raised(alarm_id, condition, seq, t, first_out=not before)
            before = True
    return _bounded(known.values())


def acknowledged(alarms: Alarms, alarm_id: object, t: float, who: str) -> Alarms:
    """The alarms after one of them was acknowledged: an active one stays listed, one that has gone leaves the list.

    Args:
        alarms: the alarms before.
        alarm_id: the one that was acknowledged; nothing changes if there is none of that id.
        t: simulated time [s].
        who: origin of the command.
    """
    found = next((alarm for alarm in alarms if alarm.id == alarm_id), None)
    if found is None or found.state == "acknowledged":
        return alarms
    seen = msgspec.structs.replace(found, state="acknowledged", acknowledged_t=t, acknowledged_by=who)
    return tuple(seen if alarm is found else alarm for alarm in alarms if alarm is not found or found.active)


def carried_over(alarms: Alarms, t: float) -> Alarms:
    """The alarms in a run that begins from another one, `t` seconds after its start; their times become negative."""

    def before(time: float | None) -> float | None:
        return None if time is None else time - t

    return tuple(
        msgspec.structs.replace(
            alarm,
            raised_seq=0,
            raised_t=alarm.raised_t - t,
            cleared_t=before(alarm.cleared_t),
            acknowledged_t=before(alarm.acknowledged_t),
        )
        for alarm in alarms
    )


def listing(states: Iterable[State | None], status: Status | None, run: str | None) -> list[Alarm]:
    """Every alarm of a run that asks for attention, the oldest first.

    Args:
        states: the newest state of each module.
        status: the clock's newest report.
        run: the present run.
    """
    # A module that has not begun the present run yet still shows the alarms of the one before.
    newest = [each for each in (*states, status) if each is not None and each.run == run]
    return sorted((alarm for each in newest for alarm in each.alarms), key=lambda alarm: (alarm.raised_seq, alarm.id))


def _raised(alarm_id: str, condition: Condition, seq: int, t: float, *, first_out: bool) -> Alarm:
    return Alarm(
        id=alarm_id,
        state="unacknowledged",
        active=True,
        first_out=first_out,
        raised_seq=seq,
        raised_t=t,
        **condition._asdict(),
    )


def _bounded(alarms: Iterable[Alarm]) -> Alarms:
    """The alarms without the oldest of those that have gone, if there are too many of these."""
    listed = tuple(alarms)
    gone = [alarm.id for alarm in listed if not alarm.active]
    dropped = set(gone[: max(0, len(gone) - RETURNED_KEPT)])
    return tuple(alarm for alarm in listed if alarm.id not in dropped) if dropped else listed
