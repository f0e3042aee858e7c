"""News of commands for the pages: every user sees every command, and what became of it."""

from collections import deque
from dataclasses import replace
from typing import Any

from bus.protocol.messages import CLOCK_MODULE, NODE_ALARMS, STOP_LATE, Result, Tick
from bus.view.command_history import CommandHistory, CommandRecord

KEPT = 200


class CommandLog:
    """News of commands, numbered, so that each reader asks for what follows the last it has.

    Args:
        history: where ticks and results are recorded before they are told here.
    """

    def __init__(self, history: CommandHistory) -> None:
        self._history = history
        self._news: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.end = 0
        self.changed: dict[str, tuple[str, int]] = {}
        """Run and tick of the newest change of parameters of each module."""

    def sequenced(self, tick: Tick) -> None:
        """Commands that act at this tick. What the clock commands of its own accord is no one's wish."""
        for command in tick.commands:
            record = self._history.find(command.id)
            if record is not None and command.origin != CLOCK_MODULE:
                self._note(record, tick.t - tick.dt)

    def answered(self, result: Result) -> None:
        """What became of a command."""
        if result.name == "set_parameters" and result.outcome == "applied":
            self.changed[result.module] = (result.run, result.seq)
        record = self._history.find(result.id)
        if record is not None and record.origin != CLOCK_MODULE:
            self._note(record, result.t)
        elif record is None and result.name not in {"begin", STOP_LATE, NODE_ALARMS}:
            # A replay tells of what it obeyed by the result alone; or the result, on another socket, overtook the tick.
            args = {"t": result.applied["t"]} if result.name == "seek" and "t" in result.applied else {}
            alone = CommandRecord(result.id, result.module, result.name, args, "", result.run, result.seq, None)
            settled = replace(alone, t=result.t, outcome=result.outcome, reason=result.reason)
            self._note(settled, result.t)

    def _note(self, record: CommandRecord, t: float) -> None:
        """Tell of a command; `t` is when it acts, unless its result says that."""
        told = {name: getattr(record, name) for name in ("id", "module", "name", "args", "origin", "seq", "reason")}
        when = t if record.t is None else record.t
        self._news.append({**told, "phase": record.outcome or "sequenced", "t": when})
        self.end += 1

    def since(self, number: int) -> list[dict[str, Any]]:
        """The news kept from a running number on."""
        missing = min(self.end - number, len(self._news))
        return list(self._news)[len(self._news) - missing :] if missing > 0 else []
