"""What every process of the plant does besides its own work: log, beat, stop cleanly, and never outlive its parent."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import Self, TextIO

import structlog

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.health import HealthReport
from bus.protocol.messages import Beat
from bus.transport.sockets import Dealer
from runtime import log
from system import open_files as files
from system.environment_variables import data_folder, setting
from system.folder_lock import PRIVATE_UMASK, home, keep_private

BEAT_INTERVAL = 0.2
"""Seconds between two beats of a node."""

FAILURE_PAUSE = 1.0
"""Seconds that a node waits before it exits because it cannot run."""

SUPERVISOR_PID = "KPP_SUPERVISOR_PID"
"""Environment variable by which a supervisor tells its children who their parent is."""

RESTARTS = "KPP_RESTARTS"
"""Environment variable by which a supervisor tells a child how often it has been started in the place of another."""

PROGRAM = "SUPERVISOR_PROCESS_NAME"
"""Environment variable by which supervisord tells a child which of its programs it is."""

SUPERVISOR = "KPP_SUPERVISOR"
"""Environment variable by which a supervisor tells its nodes, and its watchdog, which of all supervisors it is."""

WAITING = "kpp-waiting"
"""Name of the main thread of a process that waits for something outside; the supervisor reads it."""

_PR_SET_PDEATHSIG = 1


def begin(node: str, output: TextIO | None = None) -> structlog.stdlib.BoundLogger:
    """Tie the process to its supervisor, let it open many files, keep what it writes to its user, and set up its log.

    Log lines are readable on a terminal, one JSON object a line otherwise, see `runtime.log`.

    Args:
        node: name of the node, bound to every line.
        output: where the lines go, stdout when not given.
    """
    # The tie first: whatever follows may take time, and a supervisor that dies meanwhile must not leave this process.
    die_with_parent()
    files.raise_limit()
    os.umask(PRIVATE_UMASK)
    keep_private(data_folder())
    if home() is None:  # libraries insist on one
        os.environ["HOME"] = str(data_folder().absolute())
    return log.set_up(node, output or sys.stdout)


def restarts() -> int | None:
    """How often this node was started in the place of another process, None if no supervisor counts."""
    told = setting(RESTARTS, "")
    return int(told) if told.isdecimal() else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, so that no node outlives a killed supervisor.

    A parent that wants it so has put its pid into KPP_SUPERVISOR_PID; without that, as from a shell, nothing is done.
    Nor is it but on Linux. A parent that dies while this is under way, or died before, is noticed too. The variable is
    taken out: it is no news to grandchildren.
    """
    told = os.environ.pop(SUPERVISOR_PID, "")
    if not told.isdecimal() or not sys.platform.startswith("linux"):
        return
    parent = int(told)
    # supervisord's plug-in has asked for the same before this program began. It is asked for again because the kernel
    # forgets it when a program changes its user, and because other parents have no such plug-in.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before the request, and then no signal comes
        raise SystemExit("the parent process has gone")


def isolated(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours; the present folder and PYTHONPATH have no say in what it imports."""
    return [sys.executable, "-I", "-m", module, *arguments]


def give_up(logger: structlog.stdlib.BoundLogger, reason: str) -> int:
    """Say why a node cannot run and return its exit code.

    It waits first: supervisord starts a node again at once, and a wrong setting should not become a busy loop.
    """
    logger.error("cannot run", reason=reason)
    time.sleep(FAILURE_PAUSE)
    return 1


def supervisor() -> str:
    """Which supervisor has started this process, empty if none has: process ids are of one host alone."""
    return setting(SUPERVISOR, "")


def program() -> str:
    """Which program of its supervisor this process runs, empty if none has started it."""
    return setting(PROGRAM, "")


def instance_name() -> str:
    """Name of this process among those of the same node."""
    return f"pid-{os.getpid()}"


class StopSignal:
    """Set by SIGTERM or SIGINT; a node leaves its loop when it sees it."""

    def __init__(self) -> None:
        # The handler sets it and does nothing else: it interrupts the main thread anywhere, also in the middle of a
        # write.
        self._event = threading.Event()
        signal.signal(signal.SIGTERM, self._received)
        signal.signal(signal.SIGINT, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()


class Heart:
    """Tells the clock that a node is alive, from the node's own loop: a loop that hangs falls silent."""

    def __init__(self, endpoints: Endpoints, node: str) -> None:
        self._dealer = Dealer(endpoints.clock_control)
        self._node = node
        self._next = 0.0

    def beat(
        self,
        seq: int,
        said: HealthReport,
        gaps: int = 0,
        queue: int = 0,
        unrecorded: Mapping[str, int] = MappingProxyType({}),
        clients: int | None = None,
    ) -> None:
        """Send a beat if the last one is BEAT_INTERVAL old; while there is no clock nothing is queued.

        Args:
            seq: last tick that the node has worked off.
            said: what it reports of itself.
            gaps: frames that it missed and had sent again, since it started.
            queue: messages that wait in it for their turn.
            unrecorded: of a recorder, clock or module -> ticks of it that are published and not on disk yet.
            clients: clients that it serves, None if it serves none.
        """
        # Called in every turn of the node's loop, which may be thousands a second: the clock is spared all but five.
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + BEAT_INTERVAL
        message = Beat(
            node=self._node,
            instance=instance_name(),
            pid=os.getpid(),
            seq=seq,
            status=said.text,
            gaps=gaps,
            queue=queue,
            restarts=restarts(),
            supervisor=supervisor(),
            program=program(),
            unrecorded=dict(unrecorded),
            health=said.health,
            reason=said.reason,
            clients=clients,
        )
        self._dealer.send(codec.encode(message))

    def close(self) -> None:
        """Stop beating."""
        self._dealer.close()


class ExternalWait:
    """While the block runs, the process says to its supervisor that it waits for something outside, and does not hang.

    It is for a node that cannot beat yet: the clock, to which all others beat, waits for its journal like this. The
    name of the main thread tells it, in `ps` and `top` too. Does nothing but on Linux.
    """

    def __enter__(self) -> Self:
        self._before = _rename_thread(WAITING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _rename_thread(self._before)


def _rename_thread(name: str) -> str:
    """Give the main thread another name; returns the one that it had."""
    path = Path(f"/proc/{os.getpid()}/comm")
    if not path.exists():
        return ""
    # The name of a thread costs nothing to read from outside, needs no file that a killed process would leave, and goes
    # with the process. The kernel cuts it after 15 characters.
    before = path.read_text().strip()
    path.write_text(name)
    return before


class Starting:
    """Beats from a thread while a node does what takes long before its main loop runs: imports, compilation.

    Use it as a context manager around that part, and nowhere else: a thread beats even when the rest hangs, hence the
    watchdog gives a node that says that it is starting a limited time.

    Args:
        endpoints: where the clock is.
        node: name of the node.
        what: what is being done, for the table of peers.
    """

    def __init__(self, endpoints: Endpoints, node: str, what: str) -> None:
        self._endpoints = endpoints
        self._node = node
        self._said = HealthReport("starting", what)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="starting", daemon=True)

    def say(self, what: str, reason: str = "") -> None:
        """Change what is being done, and the reason that programs read."""
        self._said = HealthReport("starting", what, reason)

    def _beat(self) -> None:
        with closing(Heart(self._endpoints, self._node)) as heart:
            # Four times as often as beats are due, so that one is late by a quarter of the interval at most.
            while not self._over.wait(BEAT_INTERVAL / 4):
                heart.beat(0, self._said)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
