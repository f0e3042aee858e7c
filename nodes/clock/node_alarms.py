"""Alarms of nodes, from what they report of themselves; each change goes into the journal, so that it stays. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bus.protocol.health import Health
from bus.protocol.messages import Alarm, Peer, Priority
from bus.view.alarms import ACTIVE_KEPT, Alarms, Condition, acknowledged, compared

HEARD = 2.0
"""Seconds for which a node's report counts after its last beat, and for which a new clock waits for first reports."""

PRIORITIES: dict[Health, Priority] = {"alarm": "high", "fault": "high", "degraded": "low"}
"""Report of a node that is an alarm -> the priority of that alarm."""


def told(peers: list[Peer]) -> dict[str, Condition]:
    """The conditions that nodes report at present, by the id of their alarm."""
    found: dict[str, Condition] = {}
    for peer in peers:
        if peer.health in PRIORITIES and peer.age <= HEARD:
            condition = Condition(peer.node, PRIORITIES[peer.health], peer.status)
            found.setdefault(alarm_id(peer.node, peer.health), condition)
    return dict(list(found.items())[:ACTIVE_KEPT])


@dataclass
class NodeAlarms:
    """The alarms of nodes in one run. They change only by commands of the clock to itself."""

    alarms: Alarms = ()
    _since_ns: int | None = None

    def change(self, peers: list[Peer], now_ns: int) -> dict[str, Any] | None:
        """Arguments of the command that is due because nodes report other alarms than are listed; None if none is."""
        if self._since_ns is None:
            self._since_ns = now_ns
        present = told(peers)
        active = {alarm.id: alarm for alarm in self.alarms if alarm.active}
        if now_ns - self._since_ns < HEARD * 1e9:  # a new clock has not heard everybody yet
            heard = {peer.node for peer in peers}
            unheard = {name: each for name, each in active.items() if each.module not in heard}
            present |= {name: Condition(each.module, each.priority, each.text) for name, each in unheard.items()}
        if present.keys() == active.keys():
            return None
        return {"present": [[name, each.module, each.text] for name, each in present.items()]}

    def note(self, present: Iterable[tuple[str, str, str]], seq: int, t: float) -> list[Alarm]:
        """The conditions that were there at a tick, as a command gives them; returns the alarms that are new."""
        before = {alarm.id for alarm in self.alarms if alarm.active}
        conditions = {name: Condition(node, priority(name, node), text) for name, node, text in present}
        self.alarms = compared(self.alarms, conditions, seq, t)
        return [alarm for alarm in self.alarms if alarm.active and alarm.id not in before]

    def acknowledge(self, alarm_id: str, t: float, who: str) -> None:
        """Note that somebody has seen an alarm."""
        self.alarms = acknowledged(self.alarms, alarm_id, t, who)


def alarm_id(node: str, health: Health) -> str:
    """Id of the alarm of a node that reports this."""
    return f"{node}.{health}"


def priority(alarm: str, node: str) -> Priority:
    """Priority of an alarm of a node.

    Raises:
        ValueError: if no report of the node makes an alarm of this id.
    """
    for health, found in PRIORITIES.items():
        if alarm == alarm_id(node, health):
            return found
    raise ValueError(f"{alarm!r} is not an alarm of {node!r}")
