"""News of commands for the pages: every user sees every command, whoever gave it, and what became of it. Pure."""

from collections import deque
from dataclasses import replace
from typing import Any

from bus.protocol.messages import CLOCK_MODULE, NODE_ALARMS, STOP_LATE, Result, Tick
from bus.view.command_history import CommandHistory, CommandRecord

KEPT = 200
"""Newest entries that are kept."""


class CommandLog:
    """News of commands, numbered: each reader asks for what follows the last entry that it has, and nobody has a queue.

    Args:
        history: of commands; ticks and results have to be recorded there before they are given to this.
    """

    def __init__(self, history: CommandHistory) -> None:
        self._history = history
        self._news: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.end = 0
        self.changed: dict[str, tuple[str, int]] = {}
        """Run and tick of the newest change of parameters of each module."""

    def sequenced(self, tick: Tick) -> None:
        """Take note of the commands of a tick, except for those that the clock gives to itself."""
        for command in tick.commands:
            record = self._history.find(command.id)
            if record is not None and command.origin != CLOCK_MODULE:
                self._note(record, tick.t - tick.dt)

    def answered(self, result: Result) -> None:
        """Take note of the result of a command."""
        if result.name == "set_parameters" and result.outcome == "applied":
            self.changed[result.module] = (result.run, result.seq)
        record = self._history.find(result.id)
        if record is not None and record.origin != CLOCK_MODULE:
            self._note(record, result.t)
        elif record is None and result.name not in {"begin", STOP_LATE, NODE_ALARMS}:
            # The command is not known: a replay publishes no ticks with commands, only results; and in a live plant a
            # result may overtake its tick, because the two come over different sockets.
            args = {"t": result.applied["t"]} if result.name == "seek" and "t" in result.applied else {}
            alone = CommandRecord(result.id, result.module, result.name, args, "", result.run, result.seq, None)
            settled = replace(alone, t=result.t, outcome=result.outcome, reason=result.reason)
            self._note(settled, result.t)

    def _note(self, record: CommandRecord, t: float) -> None:
        """Add an entry about a command; `t` is the time at which it acts, unless its result says so (s)."""
        told = {name: getattr(record, name) for name in ("id", "module", "name", "args", "origin", "seq", "reason")}
        when = t if record.t is None else record.t
        self._news.append({**told, "phase": record.outcome or "sequenced", "t": when})
        self.end += 1

    def since(self, number: int) -> list[dict[str, Any]]:
        """The entries from a running number on, as far as they are kept."""
        missing = min(self.end - number, len(self._news))
        return list(self._news)[len(self._news) - missing :] if missing > 0 else []
