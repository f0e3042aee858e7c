"""A plant in virtual time around the watchdog's core: processes that beat, hang and are started again."""

from collections import deque
from dataclasses import dataclass, field

from bus.protocol.health import Health
from bus.protocol.messages import Peer, Status
from nodes.supervision.watchdog.core import KILLS, HangAlarm, Kill, StartProgram, WatchdogCore
from nodes.supervision.watchdog.program_record import KILLS_WITHIN, Program

STEP = 0.1
BEAT = 0.2
RESTART = 0.1


@dataclass
class Node:
    """One program and its present process."""

    name: str
    pid: int
    started: float
    startup: float = 0.5
    next_startup: float = 0.5
    silent_since: float | None = None
    stuck_since: float | None = None
    cursed: bool = False
    fatal: bool = False
    health: Health = "ok"
    seq: int = 0
    kills: deque[float] = field(default_factory=deque)

    def hung_for(self, now: float) -> float:
        """Seconds that it has been silent or stuck."""
        since = [moment for moment in (self.silent_since, self.stuck_since) if moment is not None]
        return now - min(since) if since else 0.0


@dataclass
class Heard:
    """What the clock remembers of a node."""

    pid: int
    seq: int
    health: Health
    at: float


def report(epoch: int, seq: int, peers: list[Peer]) -> Status:
    """The clock's report."""
    return Status(
        t=0.0, seq=seq, run="r", wall=0.0, epoch=epoch, mode="running", speed=1.0, flat_out=False, achieved_speed=1.0,
        rate=100, lateness=None, frames_sent=seq, deadlines_missed=0, bad_frames=0, policy="hold",
        held=[], held_time=0.0, owed_time=0.0, problems=[], realtime_priority=False, scenario="reference", peers=peers,
    )  # fmt: skip


class World:
    """Nodes, a clock, and a supervisor that restarts what dies; the watchdog looks every STEP."""

    def __init__(self, *names: str) -> None:
        self.now = 1000.0
        self._pid = 100
        self.nodes = {name: Node(name, self._new_pid(), self.now) for name in ("clock", *names)}
        self.core = WatchdogCore(self.now)
        self._heard: dict[str, Heard] = {}
        self._epoch = 1
        self._tick = 0
        self._report_due = self.now
        self._beat_due = self.now
        self._clock_sleeps_until = 0.0
        self._asleep_until = 0.0
        self.alarms: list[HangAlarm] = []
        self.killed: list[tuple[float, str]] = []
        self.started: list[tuple[float, str]] = []

    def _new_pid(self) -> int:
        self._pid += 1
        return self._pid

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self._live()
            if self.now >= self._asleep_until:
                self._watch()

    def sleep_watchdog(self, seconds: float) -> None:
        """The watchdog does not look for a while."""
        self._asleep_until = self.now + seconds
        self.run(seconds)

    def restart_watchdog(self) -> None:
        """The watchdog has died and there is another, which knows nothing."""
        self.core = WatchdogCore(self.now)
        for node in self.nodes.values():
            node.kills.clear()

    def sleep_clock(self, seconds: float) -> None:
        """The clock is stopped and goes on by itself."""
        self._clock_sleeps_until = self.now + seconds
        self.run(seconds + 2 * BEAT)

    def restart(self, name: str) -> None:
        """The process has died and there is another."""
        node = self.nodes[name]
        node.pid, node.started = self._new_pid(), self.now + RESTART
        node.silent_since = node.started if node.cursed else None
        node.stuck_since, node.seq, node.startup = None, 0, node.next_startup
        if name == "clock":
            self._epoch += 1
            self._tick = 0
            self._heard.clear()

    def _live(self) -> None:
        clock = self.nodes["clock"]
        beating = self.now >= self._beat_due
        if beating:
            self._beat_due = self.now + BEAT
        if self.now < self._clock_sleeps_until or clock.silent_since is not None or not self._up(clock):
            return
        if self.now >= self._report_due:  # a clock that has slept reports before it takes in what came meanwhile
            self._report_due = self.now + BEAT
            self._tick += 20
            peers = [
                Peer(
                    "m1" if n == "physics" else n,
                    f"pid-{h.pid}",
                    h.pid,
                    h.health,
                    h.seq,
                    0,
                    self.now - h.at,
                    health=h.health,
                )
                for n, h in self._heard.items()
            ]
            self._status = report(self._epoch, self._tick, peers)
            if self.now >= self._asleep_until:
                self.core.look(self.now)
                self.core.on_status(self._status, self.now)
        for node in self.nodes.values():
            if beating and node is not clock and node.silent_since is None and self._up(node):
                if node.stuck_since is None:
                    node.seq = self._tick
                self._heard[node.name] = Heard(node.pid, node.seq, node.health, self.now)

    def _up(self, node: Node) -> bool:
        return not node.fatal and self.now >= node.started + node.startup

    def _watch(self) -> None:
        self.core.look(self.now)
        self.core.on_programs([self._program(node) for node in self.nodes.values()], self.now)
        for action in self.core.decide(self.now):
            match action:
                case Kill(name, pid, _):
                    self._kill(name, pid)
                case StartProgram(name):
                    self.started.append((self.now, name))
                case HangAlarm():
                    self.alarms.append(action)

    def _program(self, node: Node) -> Program:
        if node.fatal:
            return Program(node.name, 0, "FATAL")
        if self.now < node.started:
            return Program(node.name, 0, "EXITED")
        return Program(node.name, node.pid, "RUNNING", self.now - node.started)

    def _kill(self, name: str, pid: int) -> None:
        node = self.nodes[name]
        assert pid == node.pid, "a process that has gone is killed"
        assert node.hung_for(self.now) >= 2.0 - BEAT - 2 * STEP, f"{name} hung for {node.hung_for(self.now):.2f} s only"
        node.kills.append(self.now)
        self.killed.append((self.now, name))
        within = [moment for moment in node.kills if self.now - moment < KILLS_WITHIN]
        assert len(within) <= KILLS, f"{name} was killed {len(within)} times in {KILLS_WITHIN} s"
        self.restart(name)
