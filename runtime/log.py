"""The log of a process: one JSON object a line, each with node, pid, and run and tick as far as they are known.

Whatever the process says goes this way: also what a library warns of, and the traceback that ends it.
"""

import logging
import os
import sys
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO

import structlog

from bus.security.tokens import PATTERN


@dataclass
class Position:
    """Where the process is in the plant's time."""

    run: str = ""
    tick: int = 0


_POSITION = Position()
"""Of this process: its log is one, too."""

_OF_CLIENTS = (
    "opening handshake failed",
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library",
    "Exceeded concurrency limit.",
)
"""Warnings of servers with which anybody who connects and sends garbage could fill the log."""


def at(run: str, tick: int) -> None:
    """Have lines from here on name this run and tick. To be called for each tick."""
    _POSITION.run = run
    _POSITION.tick = tick


class Seldom:
    """Lets a line through only now and then, for what may come with every message.

    Args:
        pause: seconds after a line during which there is no other.
    """

    def __init__(self, pause: float = 60.0) -> None:
        self._pause = pause
        self._next = 0.0

    def due(self, now: float) -> bool:
        """Is it time for a line? If so, the next has to wait.

        Args:
            now: a clock that never goes back (s).
        """
        if now < self._next:
            return False
        self._next = now + self._pause
        return True


def set_up(node: str, output: TextIO) -> structlog.stdlib.BoundLogger:
    """Make the one log of this process.

    Lines are readable on a terminal and JSON otherwise.

    Args:
        node: name of the node, bound to every line.
        output: where the lines go.
    """
    # Programs read the log wherever people do not: a file, a pipe, supervisord.
    terminal = output.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            placed,
            structlog.processors.format_exc_info,
            without_secrets,  # after the traceback has become text, since it may show a token
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(output),  # a line in one write: a kill does not cut it from its end
        cache_logger_on_first_use=True,
    )
    log: structlog.stdlib.BoundLogger = structlog.get_logger(node=node, pid=os.getpid())
    # Libraries log by the standard library. `force` takes out handlers that they have set up at import.
    logging.basicConfig(handlers=[_OfLibraries(log)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    if not terminal:
        _end_with_a_line(log)
    return log


def placed(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add run and tick, once they are known, to a line that names no run itself."""
    if _POSITION.run and "run" not in line:
        line["run"] = _POSITION.run
        line.setdefault("tick", _POSITION.tick)
    return line


def without_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take tokens out of a log line, wherever they came from: nobody means to log one, but a traceback may hold it."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = PATTERN.sub("kpp_...", value)
    return line


class _OfLibraries(logging.Handler):
    """Takes the warnings of libraries into the log of the process."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log it under the name of its source."""
        text = record.getMessage()
        # Requests that were refused, which tornado logs as warnings: anybody can cause as many as they like.
        refused = record.name == "tornado.access" and record.levelno < logging.ERROR
        if not refused and not text.startswith(_OF_CLIENTS):
            self._log.log(record.levelno, text, source=record.name, exc_info=record.exc_info)


def _end_with_a_line(log: structlog.stdlib.BoundLogger) -> None:
    """Log what nobody catches, in whatever thread, instead of printing it."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("ended by an error", exc_info=(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            name = args.thread.name if args.thread else ""
            log.critical("a thread ended by an error", thread=name, exc_info=args.exc_value)

    # Two hooks: Python reports an error in a thread by another one than that of the main thread.
    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
