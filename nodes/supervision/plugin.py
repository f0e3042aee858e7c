"""What supervisord does for the plant, as its own plug-in: check ports, restart quickly, guard the watchdog."""

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
"""Longest sleep of supervisord's main loop, in seconds; by default a dead process is noticed after up to 1 s."""

PORTS_FREE_WITHIN = 2.0
"""Seconds that ports may take to become free: what a killed supervisor leaves behind dies within one."""

GUARD_INTERVAL = 0.25
"""Seconds between two looks at the watchdog."""

KILLS_REMEMBERED = 3600.0
"""Seconds for which kills that the watchdog asked for are told to the one after it."""

_PR_SET_PDEATHSIG = 1


class PlantInterface:
    """Hooks into a running supervisord. Its public methods are remote calls, `kpp.beat` and `kpp.kill`.

    Args:
        supervisord: the supervisor.
        watchdog: program that calls `beat`; without that it is killed and started again.
        modules: program that stands for those of all plant modules.
    """

    def __init__(self, supervisord: Any, watchdog: str, modules: str) -> None:
        self._supervisord = supervisord
        self._options = supervisord.options
        self._modules = modules
        self._watchdog = watchdog
        self._guard = Guard(time.monotonic())
        self._guard_due = 0.0
        self._begun: dict[str, float] = {}  # supervisord's own times are those of the wall clock, which jumps
        os.umask(PRIVATE_UMASK)  # of the logs and of every child, before the first of them is made
        for folder in (Path("var"), Path("var/log")):
            keep_private(Path(self._options.here) / folder)
        self._starts: Counter[str] = Counter()
        self._killed: dict[str, list[float]] = {}
        self._meters = UsageMeters()
        self._turns = Turns([], 1)
        self._loading: dict[str, Account] = {}
        # supervisord offers no hook for its main loop and none for what it executes, so both functions are wrapped: the
        # poll gives the plug-in its turns, and `execve` the last moment in the child before it becomes another program.
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
        """The watchdog lives.

        @return array result  Every program: name, pid (0 while it has none), state, age of its process in seconds, what
                              the kernel tells of it (empty if nothing), and seconds since each kill of the last hour
        """
        now = time.monotonic()
        self._guard.beat(now)
        # The one place that is called regularly and knows every process: meters of those that have gone are dropped
        # here.
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
        """Kill a program's process, if it is still this one.

        @param string name     The program (or 'group:name')
        @param int pid         Its process
        @return boolean result  False if the program has another process or none by now
        """
        for known, process in self._processes():
            # The watchdog judged a process, not a program. If that one has died and was replaced meanwhile, the new one
            # must not pay for it.
            if known == name and process.pid == pid:
                self._options.logger.error("the watchdog kills %(name)s (%(its)d)", name=name, its=pid)
                process.signal(signal.SIGKILL)
                now = time.monotonic()
                kept = [moment for moment in self._killed.get(name, []) if now - moment < KILLS_REMEMBERED]
                self._killed[name] = [*kept, now]
                return True
        return False

    # What supervisord does besides

    def _arrange(self) -> None:
        """Have the programs of this host, and no others: now, and whenever supervisord reads its file again."""
        try:
            endpoints = Endpoints.from_environment(os.environ)
            here = local(endpoints, os.environ)
        except EndpointError:
            return  # _prepare says why it does not start
        # In two places: the groups that supervisord has made already, and the parser, which `supervisorctl reread`
        # calls again. Without the second, a reread would find the file's programs changed and restart all of them.
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
                config.after_setuid()  # as supervisord did for the groups that it has made
                groups[name] = config.make_group()

    def _processes(self) -> list[tuple[str, Any]]:
        return [
            (make_namespec(group.config.name, process.config.name), process)
            for group in self._supervisord.process_groups.values()
            for process in group.processes.values()
        ]

    def _plain_usage(self, pid: int, now: float) -> dict[str, Any]:
        """What the kernel tells of a process as plain values, empty if it tells nothing."""
        told = self._meters.read(pid, now)
        return {} if told is None else asdict(told)

    def _note_begin(self, event: Any) -> None:
        process = event.process
        name = make_namespec(process.group.config.name, process.config.name)
        self._begun[name] = time.monotonic()
        self._starts[name] += 1

    def _poll(self, poll: Callable[[float], Any], timeout: float) -> Any:
        ready = poll(min(timeout, RESTART_POLL))
        # On supervisord's only thread: whatever is done here must be short, or restarts and remote calls wait for it.
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
            # While it is being stopped or started it has a pid, too, and is no subject of judgement.
            pid = process.pid if state == ProcessStates.RUNNING else 0
            if self._guard.hangs(pid, self._meters.read(pid, now), now):
                self._options.logger.error("the watchdog (%(its)d) hangs: killed", its=process.pid)
                process.signal(signal.SIGKILL)
            if self._guard.starts(state == ProcessStates.FATAL, now):
                process.spawn()

    def _take_turns(self) -> None:
        """Have the programs start one after another, as fast as the processors allow, instead of all at once."""
        waiting = [(name, process) for name, process in self._processes() if process.config.autostart]
        waiting.sort(key=lambda each: each[1].group.config.priority)
        for _name, process in waiting:
            process.config.autostart = False  # else supervisord starts all of them in its next turn
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
            if process is None:
                continue
            process.config.autostart = True  # as the configuration has it
            # Unless somebody has started it, or stopped it, by hand meanwhile.
            if process.get_state() == ProcessStates.STOPPED and not process.laststart:
                process.spawn()
            self._loading[name] = Account(now)

    def _prepare(self, _event: Any) -> None:
        """Refuse to start beside another program, before the first node is started."""
        os.environ[SUPERVISOR_PID] = str(os.getpid())  # children inherit both
        os.environ[SUPERVISOR] = uuid.uuid4().hex
        problems = []
        try:
            # First of all: two plants on one folder would each find the other's ports taken, and say only that.
            claim(data_folder(), "supervisor")
        except FolderTakenError as error:
            problems = [str(error)]
        except OSError as error:
            problems = [settings.no_folder(os.environ, error)]
        try:
            endpoints = Endpoints.from_environment(os.environ)
            problems += settings.wrong(os.environ, local(endpoints, os.environ))
            # Ports last, and only if all else is right: with a wrong setting they may not be those that are meant.
            problems += [] if problems else _unusable_for_long(endpoints)
        except (EndpointError, OSError) as error:
            problems.append(str(error))
        self._take_turns()
        if problems:
            self._options.usage("\n       ".join(problems))

    def _print(self, event: Any) -> None:
        data = event.data
        with suppress(OSError):  # as in _let_logs_fail
            self._options.stdout.write(data if isinstance(data, str) else data.decode(errors="replace"))
            self._options.stdout.flush()


def _unusable_for_long(endpoints: Endpoints) -> list[str]:
    # A plant that was killed a moment ago still holds its ports until the kernel has ended its processes: whoever
    # starts the next one at once should not be told that they are taken.
    here = local(endpoints, os.environ)
    deadline = time.monotonic() + PORTS_FREE_WITHIN
    while (problems := unusable(endpoints, here)) and time.monotonic() < deadline:
        time.sleep(RESTART_POLL)
    return problems


def _let_logs_fail() -> None:
    """Have a log line that cannot be written be lost instead of ending supervisord, and every node with it.

    When the disk of its log is full, supervisord says so on stderr; if that goes to the same disk, it would die of it.
    """
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
    """Tell every child how often its program was started in the place of another process."""

    def counted(filename: str, argv: list[str], env: dict[str, str]) -> None:
        # This runs in the child: its copy of the counter is that of the fork, with its own start among the others.
        name = make_namespec(env["SUPERVISOR_GROUP_NAME"], env["SUPERVISOR_PROCESS_NAME"])
        execve(filename, argv, {**env, RESTARTS: str(starts[name] - 1)})

    return counted


def _tied(execve: Callable[..., None]) -> Callable[..., None]:
    """Have every child ask the kernel, before it becomes another program, to be killed when supervisord dies.

    A child that did so only after its start would outlive a supervisor that dies meanwhile.
    """
    if not sys.platform.startswith("linux"):
        return execve
    prctl = ctypes.CDLL(None).prctl  # looked up here: after the fork, less can go wrong

    def tied(*args: Any) -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died between fork and prctl; then no signal comes any more, and this child returns without
        # having become anything. supervisord's own code ends it.
        if os.getppid() == int(os.environ[SUPERVISOR_PID]):
            execve(*args)

    return tied


def make_interface(
    supervisord: Any, watchdog: str = "watchdog", modules: str = "physics", **_config: Any
) -> PlantInterface:
    """Factory that supervisord.conf names."""
    return PlantInterface(supervisord, watchdog, modules)
