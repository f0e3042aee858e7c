"""The log of a process: one JSON object on each line, with node, pid, and run and tick as far as they are known.

Everything that the process says goes this way, including warnings of libraries and the traceback that ends it.
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
    """Where the process is in the plant's time: the run, empty while none is known, and the tick."""

    run: str = ""
    tick: int = 0


_POSITION = Position()
"""Of this process. A global, since the log is one as well: every line of any module and thread has to name it."""

_OF_CLIENTS = (
    "opening handshake failed",
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library",
    "Exceeded concurrency limit.",
)
"""How warnings of servers begin that anybody who connects and sends garbage can cause: they could fill the disk."""


def at(run: str, tick: int) -> None:
    """Have lines from here on name this run and tick; call it for each tick."""
    _POSITION.run = run
    _POSITION.tick = tick


class Seldom:
    """Lets a line through only now and then, for conditions that may come with every message.

    Args:
        pause: seconds after a line during which there is no other one.
    """

    def __init__(self, pause: float = 60.0) -> None:
        self._pause = pause
        self._next = 0.0

    def due(self, now: float) -> bool:
        """True if it is time for a line; the next one then has to wait.

        Args:
            now: present moment of a clock that never goes back (s).
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
    # Wherever no person reads along, a program does: a file, a pipe, supervisord.
    terminal = output.isatty()
    # The order matters: each processor sees what those before it have added, and the last one makes the text.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            placed,
            structlog.processors.format_exc_info,
            without_secrets,  # after the traceback has become text, since a traceback may show a token
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        # Writes a line and its end at once, so a kill or another thread cannot come between them.
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    log: structlog.stdlib.BoundLogger = structlog.get_logger(node=node, pid=os.getpid())
    # Libraries log by the standard library. `force` removes handlers that they have set up at import.
    logging.basicConfig(handlers=[_OfLibraries(log)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    if not terminal:
        _end_with_a_line(log)
    return log


def placed(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add run and tick, once they are known, to a line that names no run itself."""
    # A line that names a run is about that run, such as an ended one that is read: the present tick is not part of it.
    if _POSITION.run and "run" not in line:
        line["run"] = _POSITION.run
        line.setdefault("tick", _POSITION.tick)
    return line


def without_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Remove tokens from a log line, wherever they came from: nobody means to log one, but a traceback may hold it."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = PATTERN.sub("kpp_...", value)
    return line


class _OfLibraries(logging.Handler):
    """Takes warnings and errors of libraries into the log of the process."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record with the name of its source, unless any client could cause it at will."""
        text = record.getMessage()
        # tornado logs each request that was refused as a warning: anybody can cause as many as they like.
        refused = record.name == "tornado.access" and record.levelno < logging.ERROR
        if not refused and not text.startswith(_OF_CLIENTS):
            self._log.log(record.levelno, text, source=record.name, exc_info=record.exc_info)


def _end_with_a_line(log: structlog.stdlib.BoundLogger) -> None:
    """Log an exception that nobody catches, in whichever thread, instead of printing it as many lines."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        # Ctrl-C before the process listens to signals is no error, and ends it as Python does.
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("ended by an error", exc_info=(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        # `exc_value` may be None, says the documentation of `threading.excepthook`: then there is nothing to log.
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            name = args.thread.name if args.thread else ""
            log.critical("a thread ended by an error", thread=name, exc_info=args.exc_value)

    # Two hooks, since Python has one for the main thread and one for all others.
    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
