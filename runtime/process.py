"""What every process of the plant does besides its own work: log, beat, stop cleanly, and never outlive its parent.

Environment variables carry what a supervisor has to say to a child, since they reach it before it reads or binds
anything. Each is read here and nowhere else.
"""

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
"""Environment variable in which a supervisor gives its children its process id."""

RESTARTS = "KPP_RESTARTS"
"""Environment variable in which a supervisor gives a child how often its program was started in the place of another
process."""

PROGRAM = "SUPERVISOR_PROCESS_NAME"
"""Environment variable in which supervisord gives a child the name of its program."""

SUPERVISOR = "KPP_SUPERVISOR"
"""Environment variable in which a supervisor gives its nodes, and its watchdog, an id of its own among all hosts."""

WAITING = "kpp-waiting"
"""Name of the main thread of a process that waits for something outside; the supervisor reads it."""

_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>, which Python does not offer."""


def begin(node: str, output: TextIO | None = None) -> structlog.stdlib.BoundLogger:
    """Tie the process to its supervisor, let it open many files, keep what it writes to its user, and set up its log.

    Log lines are readable on a terminal, one JSON object a line otherwise, see `runtime.log`.

    Args:
        node: name of the node, bound to every line.
        output: where the lines go, stdout when not given.

    Raises:
        SystemExit: if the parent has died already.
        OSError: if the data folder cannot be closed to other users.
    """
    # The tie first: whatever follows may take time, and a supervisor that dies meanwhile must not leave this process.
    die_with_parent()
    files.raise_limit()
    os.umask(PRIVATE_UMASK)
    keep_private(data_folder())
    # A container's user may have no entry in the list of users and no HOME. Libraries that keep caches insist on one.
    if home() is None:
        os.environ["HOME"] = str(data_folder().absolute())
    return log.set_up(node, output or sys.stdout)


def restarts() -> int | None:
    """How often this process's program was started in the place of another process, None if no supervisor counts."""
    told = setting(RESTARTS, "")
    return int(told) if told.isdecimal() else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, so that no node outlives a killed supervisor.

    A parent that wants this has put its pid into KPP_SUPERVISOR_PID. Without the variable, as when a shell starts the
    node, nothing happens, and neither does anything on other systems than Linux. A parent that dies while this is under
    way, or died before, is noticed, too. The variable is removed, as it does not hold for children of this process.

    Raises:
        SystemExit: if the parent has died already.
        OSError: if the kernel refuses.
    """
    told = os.environ.pop(SUPERVISOR_PID, "")
    if not told.isdecimal() or not sys.platform.startswith("linux"):
        return
    parent = int(told)
    # supervisord's plug-in has asked for the same before this program began. Here it is asked again, since the kernel
    # forgets it when a program changes its user, and since other parents have no such plug-in.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The kernel sends the signal at the parent's death, and not to those who ask after it.
    if os.getppid() != parent:
        raise SystemExit("the parent process has gone")


def isolated(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours, whatever the present folder and PYTHONPATH hold.

    Args:
        module: its full name.
        arguments: its command line.
    """
    # -I: a file `bus.py` in the present folder, or another numpy on PYTHONPATH, would be imported in place of ours.
    return [sys.executable, "-I", "-m", module, *arguments]


def give_up(logger: structlog.stdlib.BoundLogger, reason: str) -> int:
    """Log why a node cannot run, wait for FAILURE_PAUSE seconds, and return the exit code.

    supervisord starts a node again at once; without the pause a wrong setting would become a busy loop.
    """
    logger.error("cannot run", reason=reason)
    time.sleep(FAILURE_PAUSE)
    return 1


def supervisor() -> str:
    """The id of the supervisor that has started this process, empty if none has.

    A process is known by it and its pid together, since a pid means something on one host only.
    """
    return setting(SUPERVISOR, "")


def program() -> str:
    """The name of the program that this process runs for its supervisor, empty if no supervisor has started it."""
    return setting(PROGRAM, "")


def instance_name() -> str:
    """Name of this process among those of the same node, `pid-` and its number."""
    return f"pid-{os.getpid()}"


class StopSignal:
    """Set by SIGTERM or SIGINT; a node leaves its loop when it sees it."""

    def __init__(self) -> None:
        # The handler does nothing but set it, since it interrupts the main thread anywhere, even in the middle of a
        # write. An exception raised there, such as KeyboardInterrupt, would leave half of it done.
        self._event = threading.Event()
        signal.signal(signal.SIGTERM, self._received)
        signal.signal(signal.SIGINT, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()


class Heart:
    """Reports to the clock that a node is alive, from the node's own loop: a loop that hangs falls silent.

    Args:
        endpoints: where the clock is.
        node: name of the node.
    """

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
        """Send a beat if the last one is at least BEAT_INTERVAL old. Without a clock the beat is lost, not queued.

        Args:
            seq: last tick that the node has worked off.
            said: what it reports of itself.
            gaps: frames that it missed and had sent again, since it started.
            queue: messages that wait in it for their turn.
            unrecorded: of a recorder: "clock" or a module -> its ticks that are published and not on disk yet.
            clients: clients that it serves, None if it is no node that serves any.
        """
        # Nodes call this in every turn of their loop, which may be thousands a second; the clock gets five of them.
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
        """Stop beating; calling it again does nothing."""
        self._dealer.close()


class ExternalWait:
    """While the block runs, the process reports to its supervisor that it waits for something outside.

    It is for a node that cannot beat yet, as the clock, to which all others beat, while another process has its journal
    locked. The name of the main thread carries the report, and `ps` and `top` show it. On other systems than Linux it
    does nothing.
    """

    def __enter__(self) -> Self:
        self._before = _rename_thread(WAITING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _rename_thread(self._before)


def _rename_thread(name: str) -> str:
    """Give the main thread another name; returns the one that it had, empty where threads have no such name."""
    path = Path(f"/proc/{os.getpid()}/comm")
    if not path.exists():
        return ""
    # A thread's name is cheap to read from outside and ends with the process, whereas a file would stay behind when the
    # process is killed. The kernel cuts it after 15 characters.
    before = path.read_text().strip()
    path.write_text(name)
    return before


class Starting:
    """Beats from a thread while a node imports or compiles, before its main loop runs.

    Use it as a context manager around that part, and nowhere else. The thread beats even when the rest of the node
    hangs, which is why the watchdog gives a node that reports that it is starting a limited time.

    Args:
        endpoints: where the clock is.
        node: name of the node.
        what: what is being done, in words for the table of peers.
    """

    def __init__(self, endpoints: Endpoints, node: str, what: str) -> None:
        self._endpoints = endpoints
        self._node = node
        self._said = HealthReport("starting", what)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="starting", daemon=True)

    def say(self, what: str, reason: str = "") -> None:
        """Change what is being done, in words for people, and the reason, which programs read."""
        # The thread reads the attribute while this sets it: a whole report is exchanged for another whole one.
        self._said = HealthReport("starting", what, reason)

    def _beat(self) -> None:
        # The socket is made and closed in this thread: ZeroMQ's sockets belong to one thread each.
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
        # Waits for the thread, so that no late "starting" follows the beats of the node's own loop.
        self._over.set()
        self._thread.join()
