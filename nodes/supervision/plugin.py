"""A plug-in of supervisord for the plant: it checks settings and ports, restarts quickly, and guards the watchdog.

Everything here runs on supervisord's only thread, and an exception in a hook of its main loop would end supervisord and
every node with it. What can be decided without supervisord is decided in pure modules: `guard`, `turns`, `programs`,
`account`.
"""

import ctypes
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from supervisor import events, loggers
from supervisor.options import make_namespec
from supervisor.states import ProcessStates, SupervisorStates, getProcessStateDescription

from bus.protocol.endpoints import EndpointError, Endpoints
from nodes.supervision import settings
from nodes.supervision.account import Account
from nodes.supervision.guard import Guard
from nodes.supervision.ports import unusable
from nodes.supervision.programs import arrange, local
from nodes.supervision.turns import Turns
from nodes.supervision.usage import UsageMeters, processors
from runtime.process import RESTARTS, SUPERVISOR, SUPERVISOR_PID
from system.environment_variables import data_folder
from system.folder_lock import PRIVATE_UMASK, FolderTakenError, claim, keep_private

RESTART_POLL = 0.05
"""Longest sleep of supervisord's main loop, in seconds. Its own limit of 1 s would leave a dead node unnoticed for up
to that long."""

PORTS_FREE_WITHIN = 2.0
"""Seconds that ports may take to become free: what a killed supervisor leaves behind dies within one of them."""

GUARD_INTERVAL = 0.25
"""Seconds between two looks at the watchdog."""

KILLS_REMEMBERED = 3600.0
"""Seconds for which the kills that a watchdog asked for are reported to the watchdogs after it."""

_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>, which Python does not offer."""


class PlantInterface:
    """Hooks into a running supervisord. Its public methods are remote calls, `kpp.beat` and `kpp.kill`.

    The docstrings of remote calls have supervisord's own form, from which its `system.methodSignature` reads the types.

    Args:
        supervisord: the supervisor.
        watchdog: program that has to call `beat` regularly; it is killed and started again if it does not.
        modules: program of supervisord.conf that stands for those of all plant modules.
    """

    def __init__(self, supervisord: Any, watchdog: str, modules: str) -> None:
        self._supervisord = supervisord
        self._options = supervisord.options
        self._modules = modules
        self._watchdog = watchdog
        self._guard = Guard(time.monotonic())
        self._guard_due = 0.0
        self._begun: dict[str, float] = {}  # supervisord's own times are those of the wall clock, which may jump
        os.umask(PRIVATE_UMASK)  # holds for the logs and for every child, hence before the first of them is made
        for folder in (Path("var"), Path("var/log")):
            keep_private(Path(self._options.here) / folder)
        self._starts: Counter[str] = Counter()
        self._killed: dict[str, list[float]] = {}
        self._meters = UsageMeters()
        self._turns = Turns([], 1)
        self._loading: dict[str, Account] = {}
        # supervisord has no hook for its main loop and none for what it executes, so both functions are wrapped: `poll`
        # gives the plug-in its turns, and `execve` is the last moment in the child before it becomes another program.
        poll = self._options.poller.poll
        self._options.poller.poll = lambda timeout: self._poll(poll, timeout)
        self._options.execve = _tied(_counted(self._options.execve, self._starts))
        _let_logs_fail()
        self._arrange()
        events.subscribe(events.SupervisorRunningEvent, self._prepare)
        events.subscribe(events.ProcessStateStartingEvent, self._note_begin)
        events.subscribe(events.ProcessLogStdoutEvent, self._print)

    # Remote calls

    def beat(self) -> list[dict[str, Any]]:
        """Report that the watchdog is alive

        @return array result  Every program: name, pid (0 while it has none), state, age of its process in seconds, what
                              the kernel reports of it (empty if nothing), and seconds since each kill of the last hour
        """
        # One call for two purposes: a watchdog that cannot get this list cannot judge anybody, and is as good as hung.
        now = time.monotonic()
        self._guard.beat(now)
        # This call comes regularly and sees every process, so the meters of those that have gone are dropped here.
        self._meters.keep({process.pid for _name, process in self._processes()})
        return [
            {
                "name": name,
                "pid": process.pid,
                "state": getProcessStateDescription(process.get_state()),
                "age": now - self._begun.get(name, now),
                "usage": self._plain_usage(process.pid, now),
                "killed": [now - moment for moment in self._killed.get(name, []) if now - moment < KILLS_REMEMBERED],
            }
            for name, process in self._processes()
        ]

    def kill(self, name: str, pid: int) -> bool:
        """Kill a program's process, if it is still this one

        @param string name     The program (or 'group:name')
        @param int pid         Its process
        @return boolean result  False if the program has another process by now, or none
        """
        for known, process in self._processes():
            # The watchdog judged a process, not a program. If that process has died and was replaced meanwhile, its
            # successor must not pay for it. Here the comparison cannot go stale: no child is reaped while this runs, so
            # the kernel cannot have given the number to another process.
            if known == name and process.pid == pid:
                self._options.logger.error("the watchdog kills %(name)s (%(its)d)", name=name, its=pid)
                process.signal(signal.SIGKILL)
                now = time.monotonic()
                kept = [moment for moment in self._killed.get(name, []) if now - moment < KILLS_REMEMBERED]
                self._killed[name] = [*kept, now]
                return True
        return False

    # What happens inside supervisord

    def _arrange(self) -> None:
        """Keep the programs of this host and no others: now, and whenever supervisord reads its file again."""
        try:
            endpoints = Endpoints.from_environment(os.environ)
            here = local(endpoints, os.environ)
        except EndpointError:
            return  # _prepare, which runs later, reports the same error and refuses to start
        # In two places: the groups that supervisord has made already, and the parser, which `supervisorctl update`
        # calls again. Without the second, an update would find every program of a module changed and restart it.
        options, groups = self._options, self._supervisord.process_groups
        read = options.process_groups_from_parser
        options.process_groups_from_parser = lambda parser: arrange(read(parser), self._modules, endpoints, here)
        options.process_group_configs = arrange(options.process_group_configs, self._modules, endpoints, here)
        wanted = {config.name: config for config in options.process_group_configs}
        for name in [*groups]:
            config = wanted.get(name)
            if config is None:
                del groups[name]
            elif config is not groups[name].config:
                config.after_setuid()  # makes the logs; supervisord has done so for the groups that it made itself
                groups[name] = config.make_group()

    def _processes(self) -> list[tuple[str, Any]]:
        return [
            (make_namespec(group.config.name, process.config.name), process)
            for group in self._supervisord.process_groups.values()
            for process in group.processes.values()
        ]

    def _plain_usage(self, pid: int, now: float) -> dict[str, Any]:
        """What the kernel reports of a process as plain values, empty if it reports nothing."""
        # XML-RPC, as supervisord speaks it, has no null; an empty struct stands for None.
        told = self._meters.read(pid, now)
        return {} if told is None else asdict(told)

    def _note_begin(self, event: Any) -> None:
        process = event.process
        name = make_namespec(process.group.config.name, process.config.name)
        # This event comes before the fork, so the child's copy of the counter has its own start in it; see _counted.
        self._begun[name] = time.monotonic()
        self._starts[name] += 1

    def _poll(self, poll: Callable[[float], Any], timeout: float) -> Any:
        ready = poll(min(timeout, RESTART_POLL))
        # Whatever is done here must be short, or restarts and remote calls wait for it. In a shutdown the plug-in
        # neither starts nor kills: what is down then is meant to be down.
        now = time.monotonic()
        if not self._turns.over and self._options.mood == SupervisorStates.RUNNING:
            self._start_next(now)
        if now >= self._guard_due and self._options.mood == SupervisorStates.RUNNING:
            self._guard_due = now + GUARD_INTERVAL
            self._look_after_watchdog(now)
        return ready

    def _look_after_watchdog(self, now: float) -> None:
        for name, process in self._processes():
            if name != self._watchdog:
                continue
            state = process.get_state()
            # While it is being stopped it has a pid, too, but nothing to prove any more.
            pid = process.pid if state == ProcessStates.RUNNING else 0
            if self._guard.hangs(pid, self._meters.read(pid, now), now):
                self._options.logger.error("the watchdog (%(its)d) hangs: killed", its=process.pid)
                process.signal(signal.SIGKILL)
            if self._guard.starts(state == ProcessStates.FATAL, now):
                process.spawn()

    def _take_turns(self) -> None:
        """Have the programs start one after another, as fast as the processors allow, instead of all at once."""
        waiting = [(name, process) for name, process in self._processes() if process.config.autostart]
        # By priority, as supervisord would: the clock first, since every other node waits for it.
        waiting.sort(key=lambda each: each[1].group.config.priority)
        for _name, process in waiting:
            process.config.autostart = False  # otherwise supervisord starts all of them in its next turn
        self._turns = Turns([name for name, _process in waiting], processors())

    def _start_next(self, now: float) -> None:
        programs = dict(self._processes())
        for name, account in [*self._loading.items()]:
            pid = programs[name].pid if name in programs else 0
            if pid:
                account.look(self._meters.read(pid, now), now)
            else:
                del self._loading[name]
        for name in self._turns.due(self._loading):
            process = programs.get(name)
            if process is None:  # its group was removed by `supervisorctl` before its turn came
                continue
            process.config.autostart = True  # as the file has it: a reread must find no difference
            # Unless somebody has started it, or started and stopped it, by hand meanwhile.
            if process.get_state() == ProcessStates.STOPPED and not process.laststart:
                process.spawn()
            self._loading[name] = Account(now)

    def _prepare(self, _event: Any) -> None:
        """Refuse to start with a wrong setting or beside another plant, before the first node is started."""
        # Only now and not in the constructor: a supervisord that runs in the background has forked in between, and its
        # pid is another one.
        os.environ[SUPERVISOR_PID] = str(os.getpid())  # children inherit both
        os.environ[SUPERVISOR] = uuid.uuid4().hex
        problems = []
        try:
            # Before the ports: a second plant on the same folder would find them taken and report only that, although
            # other ports would not help it. The descriptor is not kept, since the lock is to last as long as the
            # process does.
            claim(data_folder(), "supervisor")
        except FolderTakenError as error:
            problems = [str(error)]
        except OSError as error:
            problems = [settings.no_folder(os.environ, error)]
        try:
            endpoints = Endpoints.from_environment(os.environ)
            problems += settings.wrong(os.environ, local(endpoints, os.environ))
            # Ports last, and only if everything else is right: with a wrong setting they may not be the ones meant.
            problems += [] if problems else _unusable_for_long(endpoints)
        except (EndpointError, OSError) as error:
            problems.append(str(error))
        self._take_turns()
        # All problems in one message, so that nobody has to start the plant once for each of them.
        if problems:
            self._options.usage("\n       ".join(problems))

    def _print(self, event: Any) -> None:
        data = event.data
        with suppress(OSError):  # as in _let_logs_fail
            self._options.stdout.write(data if isinstance(data, str) else data.decode(errors="replace"))
            self._options.stdout.flush()


def _unusable_for_long(endpoints: Endpoints) -> list[str]:
    # A plant that was killed a moment ago holds its ports until the kernel has ended its processes. A start right after
    # it has to wait for them rather than fail.
    here = local(endpoints, os.environ)
    deadline = time.monotonic() + PORTS_FREE_WITHIN
    while (problems := unusable(endpoints, here)) and time.monotonic() < deadline:
        time.sleep(RESTART_POLL)
    return problems


def _let_logs_fail() -> None:
    """Lose a log line that cannot be written, instead of ending supervisord and every node with it.

    When the disk of its log is full, supervisord says so on stderr. If stderr goes to the same disk, that fails, too,
    and the second error would be raised out of the main loop.
    """
    # On the classes, since supervisord makes new handlers whenever it starts a child that has a log.
    tell, roll = loggers.Handler.handleError, loggers.RotatingFileHandler.doRollover

    def handle_error(handler: Any) -> None:
        with suppress(OSError):
            tell(handler)

    def do_rollover(handler: Any) -> None:
        try:
            roll(handler)
        except OSError:
            handler.handleError()

    loggers.Handler.handleError, loggers.RotatingFileHandler.doRollover = handle_error, do_rollover


def _counted(execve: Callable[..., None], starts: Mapping[str, int]) -> Callable[..., None]:
    """Have every child find in its environment how often its program was started in the place of another process."""

    def counted(filename: str, argv: list[str], env: dict[str, str]) -> None:
        # This runs in the child, whose copy of the counter includes its own start: the first start replaces nobody.
        name = make_namespec(env["SUPERVISOR_GROUP_NAME"], env["SUPERVISOR_PROCESS_NAME"])
        execve(filename, argv, {**env, RESTARTS: str(starts[name] - 1)})

    return counted


def _tied(execve: Callable[..., None]) -> Callable[..., None]:
    """Have every child ask the kernel, before it becomes another program, to be killed when supervisord dies.

    A child that asked only after its start would outlive a supervisor that dies meanwhile.
    """
    if not sys.platform.startswith("linux"):
        return execve
    prctl = ctypes.CDLL(None).prctl  # looked up here and not after the fork, where a loader that fails helps nobody

    def tied(*args: Any) -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died between fork and prctl; then no signal will come. In that case this function returns
        # without having executed anything, and supervisord's own code ends the child.
        if os.getppid() == int(os.environ[SUPERVISOR_PID]):
            execve(*args)

    return tied


def make_interface(
    supervisord: Any, watchdog: str = "watchdog", modules: str = "physics", **_config: Any
) -> PlantInterface:
    """Factory that supervisord.conf names.

    Args:
        supervisord: the supervisor.
        watchdog: program that watches the nodes.
        modules: program that stands for those of all plant modules.
    """
    return PlantInterface(supervisord, watchdog, modules)
