"""Alarms in the manner of ISA-18.2, a fold over states, ticks and statuses: what is active, was seen, has gone unseen.

Whoever shows alarms folds the same stream, so that all list the same ones. An acknowledgement is a
command in a tick frame for the same reason.
"""

import re
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, NamedTuple, Protocol

from bus.messages import Command, Event, Status, Tick

AlarmState = Literal["unacknowledged", "acknowledged", "returned_unacknowledged"]
Priority = Literal["high", "low"]

ACKNOWLEDGE = "acknowledge"
"""Name of the clock's command."""

ALARM = "alarm: "
"""How the status of a node begins that has found what must not be: everyone who shows alarms shows it as one."""

DEGRADED = "degraded: "
"""How the status of a node begins that cannot do all of its work; shown as an alarm too."""

HEARD = 2.0
"""Seconds after its last beat for which a node's words count."""

RETURNED_KEPT = 200
"""Alarms that have gone without being acknowledged and are still listed; the oldest are dropped first."""


class Conditions(Protocol):
    """What of the controller is an alarm."""

    @property
    def state(self) -> str:
        """State of the sequence."""

    @property
    def trip(self) -> str | None:
        """Cause of the trip in force."""

    @property
    def warnings(self) -> list[str]:
        """Warnings in force."""

    @property
    def trip_limit(self) -> str | None:
        """Limit that the trip is for: number and SI unit."""

    @property
    def warning_limits(self) -> list[str]:
        """Limit of each warning, in the same order."""


class StateHead(Protocol):
    """What of a state frame tells of alarms; a `State` is one."""

    @property
    def module(self) -> str:
        """Plant module."""

    @property
    def run(self) -> str:
        """Run id."""

    @property
    def seq(self) -> int:
        """Tick."""

    @property
    def t(self) -> float:
        """Simulated time (s)."""

    @property
    def plc(self) -> Conditions:
        """The controller."""


@dataclass(frozen=True)
class Alarm:
    """One alarm that is active, or has gone without anybody having acknowledged it."""

    id: str
    module: str
    priority: Priority
    text: str
    state: AlarmState
    first_out: bool
    """True if nothing else was active when it came: the likely cause of those that followed."""
    raised_seq: int
    raised_t: float
    limit: float | None = None
    """What was passed; None where nothing is measured, such as for an emergency stop."""
    unit: str = ""
    """SI unit of the limit, empty for a share."""
    cleared_t: float | None = None
    acknowledged_t: float | None = None
    acknowledged_by: str | None = None

    @property
    def active(self) -> bool:
        """Is its condition there?"""
        return self.cleared_t is None


class Alarms:
    """The alarms of the present run."""

    def __init__(self) -> None:
        self._run = ""
        self._alarms: dict[str, Alarm] = {}
        self._faults: dict[str, str] = {}
        self._seen: set[str] = set()
        self._acknowledged: dict[str, tuple[float, str]] = {}
        self._told: set[str] = set()  # alarms that nodes have told of

    def listing(self) -> list[Alarm]:
        """Every alarm that asks for attention, the oldest first."""
        return sorted(self._alarms.values(), key=lambda alarm: (alarm.raised_seq, alarm.id))

    def find(self, alarm_id: str) -> Alarm | None:
        """One alarm by its id."""
        return self._alarms.get(alarm_id)

    def on_tick(self, tick: Tick) -> None:
        """Take note of a run that begins, and of acknowledgements."""
        self._enter(tick.run)
        for command in tick.commands:
            self.on_command(command, tick.t)

    def on_command(self, command: Command, t: float) -> None:
        """Take note of a command, from a tick or from a replay of those before this listener began."""
        if command.name != ACKNOWLEDGE:
            return
        alarm_id = command.args.get("alarm")
        if not isinstance(alarm_id, str):
            return
        found = self._alarms.get(alarm_id)
        if found is None:
            self._acknowledged[alarm_id] = (t, command.origin)
        else:
            self._acknowledge(found, t, command.origin)

    def on_state(self, head: StateHead) -> None:
        """Compare the conditions that a module shows with those that were known."""
        self._enter(head.run)
        present = _conditions(head)
        if head.module in self._faults:
            present[f"{head.module}.fault"] = _Condition("high", self._faults[head.module])
        known = {alarm.id: alarm for alarm in self._alarms.values() if alarm.module == head.module and alarm.active}
        for alarm_id in known.keys() - present.keys():
            self._clear(known[alarm_id], head.t)
        for alarm_id, condition in present.items():
            if alarm_id in known:
                self._alarms[alarm_id] = replace(
                    known[alarm_id], text=condition.text, limit=condition.limit, unit=condition.unit
                )
            else:
                self._raise(alarm_id, condition, head)
        self._seen.add(head.module)

    def on_event(self, event: Event) -> None:
        """A fault ends a module: no state follows that could show it."""
        if event.severity == "fault":
            self._enter(event.run)
            self._faults[event.module] = event.text
            self._raise(f"{event.module}.fault", _Condition("high", event.text), event)

    def on_status(self, status: Status) -> None:
        """Compare what nodes say of themselves to the clock with what was known."""
        if self._run not in {"", status.run}:
            return  # ticks of its run are still to come, and so is the next status
        self._enter(status.run)
        present: dict[str, tuple[str, Priority, str]] = {}
        for peer in status.peers:
            priority = _PRIORITIES.get(peer.status.partition(" ")[0])
            if priority is not None and peer.age <= HEARD:
                present.setdefault(f"{peer.node}.{peer.status.partition(':')[0]}", (peer.node, priority, peer.status))
        for alarm in [alarm for alarm in self._alarms.values() if alarm.id in self._told]:
            if alarm.active and alarm.id not in present:
                self._clear(alarm, status.t)
        for alarm_id, (node, priority, text) in present.items():
            known = self._alarms.get(alarm_id)
            if known is not None and known.active:
                self._alarms[alarm_id] = replace(known, text=text)
            else:
                self._raise(alarm_id, _Condition(priority, text), _Said(node, status))
        self._told |= present.keys()
        self._seen |= {peer.node for peer in status.peers}

    def _enter(self, run: str) -> None:
        if run != self._run:
            self._run = run
            self._alarms.clear()
            self._faults.clear()
            self._seen.clear()
            self._acknowledged.clear()
            self._told.clear()

    def _raise(self, alarm_id: str, condition: "_Condition", at: "StateHead | Event | _Said") -> None:
        alarm = Alarm(
            id=alarm_id,
            module=at.module,
            priority=condition.priority,
            text=condition.text,
            limit=condition.limit,
            unit=condition.unit,
            state="unacknowledged",
            first_out=not any(each.active for each in self._alarms.values()),
            raised_seq=at.seq,
            raised_t=at.t,
        )
        self._alarms[alarm_id] = alarm
        # What was there before this listener began may have been acknowledged before as well.
        before = None if at.module in self._seen else self._acknowledged.get(alarm_id)
        if before is not None:
            self._acknowledge(alarm, *before)

    def _clear(self, alarm: Alarm, t: float) -> None:
        if alarm.state == "acknowledged":
            del self._alarms[alarm.id]
            return
        self._alarms[alarm.id] = replace(alarm, state="returned_unacknowledged", cleared_t=t)
        returned = [each for each in self.listing() if not each.active]
        for each in returned[: max(0, len(returned) - RETURNED_KEPT)]:
            del self._alarms[each.id]

    def _acknowledge(self, alarm: Alarm, t: float, who: str) -> None:
        if not alarm.active:
            del self._alarms[alarm.id]
        elif alarm.state == "unacknowledged":
            self._alarms[alarm.id] = replace(alarm, state="acknowledged", acknowledged_t=t, acknowledged_by=who)


_PRIORITIES: dict[str, Priority] = {ALARM.strip(): "high", DEGRADED.strip(): "low"}


class _Said:
    """Where a node's words come from."""

    def __init__(self, node: str, status: Status) -> None:
        self.module = node
        self.seq = status.seq
        self.t = status.t


class _Condition(NamedTuple):
    """What is an alarm while it is there."""

    priority: Priority
    text: str
    limit: float | None = None
    unit: str = ""


def _conditions(head: StateHead) -> dict[str, _Condition]:
    """The alarm conditions that a state shows: its trip, its emergency stop, and each warning, by id."""
    found: dict[str, _Condition] = {}
    plc = head.plc
    if plc.trip is not None:
        found[f"{head.module}.trip"] = _Condition("high", f"tripped: {plc.trip}", *_limit(plc.trip_limit))
    if plc.state == "emergency_stop":
        found[f"{head.module}.emergency_stop"] = _Condition("high", "emergency stop")
    for warning, limit in zip_longest(plc.warnings, plc.warning_limits[: len(plc.warnings)]):
        subject = warning.partition(":")[0]  # the numbers behind it change all the time, the warning does not
        slug = re.sub(r"[^a-z0-9]+", "_", subject.lower()).strip("_") or "warning"
        found[f"{head.module}.{slug}"[:64]] = _Condition("low", warning, *_limit(limit))
    return found


def _limit(told: str | None) -> tuple[float | None, str]:
    """Number and unit of a limit; a module of an older version tells none."""
    number, _, unit = (told or "").partition(" ")
    try:
        return float(number), unit
    except ValueError:
        return None, ""
