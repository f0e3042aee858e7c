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
    """One command."""

    id: str
    module: str
    name: str
    args: dict[str, Any]
    origin: str
    run: str
    seq: int
    """Tick at whose start it acted."""
    wall: float | None
    """Unix time of that tick; None if it was before this listener began."""
    t: float | None = None
    outcome: Outcome | None = None
    """None until its result is heard; those of commands before this listener began are not."""
    reason: str = ""
    applied: dict[str, Any] | None = None
    """Of a command to every module, by module."""


class CommandHistory:
    """The newest commands, each once."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, CommandRecord] = OrderedDict()
        self._results: OrderedDict[str, JointOutcome] = OrderedDict()
        """Of commands, known or not: a result may overtake its tick, which comes from another publisher."""

    def newest(self, count: int) -> list[CommandRecord]:
        """The last commands, the newest first."""
        found = sorted(self._entries.values(), key=lambda entry: (entry.run, entry.seq))
        return found[-count:][::-1]

    def find(self, command_id: str) -> CommandRecord | None:
        """One command by its id."""
        return self._entries.get(command_id)

    def on_command(self, command: Command, run: str, seq: int, wall: float | None) -> None:
        """Take note of a command; a repetition changes nothing, such as one from before this listener began."""
        if command.id in self._entries:
            return
        entry = CommandRecord(command.id, command.module, command.name, command.args, command.origin, run, seq, wall)
        self._entries[command.id] = entry
        self._settle(command.id)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)

    def on_result(self, result: Result) -> None:
        """Take note of what became of it; a command to every module has one of each."""
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
