"""What was commanded and what became of it, as heard on the bus: every user sees every command."""

from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import Any, Literal

from bus.protocol.joint import JointOutcome
from bus.protocol.messages import CLOCK_MODULE, NODE_ALARMS, STOP_LATE, Result, Tick

KEPT = 200

Phase = Literal["sequenced", "applied", "rejected"]


@dataclass(frozen=True)
class Entry:
    """One command and the latest that is known of it."""

    id: str
    module: str
    name: str
    args: dict[str, Any]
    origin: str
    phase: Phase
    t: float
    seq: int
    reason: str


class CommandLog:
    """News of commands, numbered, so that each reader asks for what follows the last it has."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._results: OrderedDict[str, JointOutcome] = OrderedDict()
        self._news: deque[Entry] = deque(maxlen=KEPT)
        self.end = 0
        self.changed: dict[str, tuple[str, int]] = {}
        """Run and tick of the newest change of parameters of each module."""

    def sequenced(self, tick: Tick) -> None:
        """Commands that act at this tick. What the clock commands of its own accord is no one's wish."""
        for command in tick.commands:
            if command.origin == CLOCK_MODULE:
                continue
            entry = Entry(
                id=command.id,
                module=command.module,
                name=command.name,
                args=command.args,
                origin=command.origin,
                phase="sequenced",
                t=tick.t - tick.dt,
                seq=tick.seq,
                reason="",
            )
            # The result travels on another socket and may overtake the tick.
            self._note(self._settled(entry))

    def answered(self, result: Result) -> None:
        """What became of a command."""
        if result.name == "set_parameters" and result.outcome == "applied":
            self.changed[result.module] = (result.run, result.seq)
        known = self._entries.get(result.id)
        if known is None and result.name in {"begin", STOP_LATE, NODE_ALARMS}:
            return
        # A replay tells of what it obeyed by the result alone.
        args = {"t": result.applied["t"]} if result.name == "seek" and "t" in result.applied else {}
        told = known or Entry(result.id, result.module, result.name, args, "", "sequenced", 0.0, 0, "")
        self._results[result.id] = self._results.pop(result.id, JointOutcome()).and_result(result)
        while len(self._results) > KEPT:
            self._results.popitem(last=False)
        self._note(self._settled(told))

    def _settled(self, entry: Entry) -> Entry:
        """With what was answered so far, by all modules if it is for all."""
        outcome = self._results.get(entry.id)
        if outcome is None:
            return entry
        told = outcome.told(entry.module)
        return replace(entry, phase=told.outcome, t=told.t, seq=told.seq, reason=told.reason)

    def _note(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        self._entries.move_to_end(entry.id)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        self._news.append(entry)
        self.end += 1

    def since(self, number: int) -> list[Entry]:
        """The news kept from a running number on."""
        missing = min(self.end - number, len(self._news))
        return list(self._news)[len(self._news) - missing :] if missing > 0 else []
