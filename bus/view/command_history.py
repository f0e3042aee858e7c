"""Every command of the plant with its origin and what became of it, from ticks and results alone: the audit log."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from bus.protocol.joint import JointOutcome, Outcome
from bus.protocol.messages import Command, Result

KEPT = 10_000
"""Commands that are remembered."""


@dataclass(frozen=True)
class CommandRecord:
    """One command, as the audit log shows it.

    Attributes:
        id, module, name, args, origin: as it was given; see `bus.protocol.messages.Command`.
        run, seq: the tick at whose start it acted.
        wall: Unix time of that tick; None if it was before this listener began.
        t: simulated time at which it acted (s), None until its result is heard.
        outcome: None until its result is heard, and for good if that was published before this listener began.
        reason: why it was rejected; empty otherwise.
        applied: what was in force after it; for a command to every module, by module.
    """

    id: str
    module: str
    name: str
    args: dict[str, Any]
    origin: str
    run: str
    seq: int
    wall: float | None
    t: float | None = None
    outcome: Outcome | None = None
    reason: str = ""
    applied: dict[str, Any] | None = None


class CommandHistory:
    """The newest commands, each once, with what became of them."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, CommandRecord] = OrderedDict()
        self._results: OrderedDict[str, JointOutcome] = OrderedDict()
        """Results of commands, known or not: a result may overtake its tick, which comes from another publisher."""

    def newest(self, count: int) -> list[CommandRecord]:
        """The last `count` commands, the newest first."""
        # Sorted, since commands of the past are added after newer ones; run ids ascend with time.
        found = sorted(self._entries.values(), key=lambda entry: (entry.run, entry.seq))
        return found[-count:][::-1]

    def find(self, command_id: str) -> CommandRecord | None:
        """A command by its id; None if it is not known, or not any more."""
        return self._entries.get(command_id)

    def on_command(self, command: Command, run: str, seq: int, wall: float | None) -> None:
        """Take note of a command. One that is known changes nothing, such as one that is asked for as past.

        Args:
            command: the command.
            run: run in which it acts.
            seq: tick at whose start it acts.
            wall: Unix time of that tick, None if it is not known.
        """
        if command.id in self._entries:
            return
        entry = CommandRecord(command.id, command.module, command.name, command.args, command.origin, run, seq, wall)
        self._entries[command.id] = entry
        self._settle(command.id)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)

    def on_result(self, result: Result) -> None:
        """Take note of a result; a command to every module has one from each."""
        self._results[result.id] = self._results.pop(result.id, JointOutcome()).and_result(result)
        while len(self._results) > KEPT:
            self._results.popitem(last=False)
        self._settle(result.id)

    def _settle(self, command_id: str) -> None:
        entry, outcome = self._entries.get(command_id), self._results.get(command_id)
        if entry is None or outcome is None:
            return
        told = outcome.told(entry.module)
        self._entries[command_id] = replace(
            entry, t=told.t, outcome=told.outcome, reason=told.reason, applied=told.applied
        )
