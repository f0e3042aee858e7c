"""What the watchdog knows of one program: its process, how that spent its time, and how often it was killed. Pure."""

from collections import deque
from dataclasses import dataclass, field

from bus.protocol.health import Health
from bus.protocol.messages import Peer
from nodes.supervision.account import Account, Usage

RETRY_FIRST = 0.5
RETRY_LONGEST = 10.0
"""Seconds from a program's failure to its next start: the first doubles up to the longest, for ever."""

KILLS_WITHIN = 60.0
"""Seconds over which kills of one program are counted."""

MEMORY = 600.0
"""Seconds for which a new watchdog takes kills of the one before it for kills in vain, until the program is well."""

WELL_FOR = 2.0
"""Seconds of its own that a process has beaten past its start after which the kills before were not in vain."""

ALARM_AFTER = 3
"""Kills in vain, one after the other, after which there is an alarm."""

MOST_IN_VAIN = 6
"""Kills in vain after which a program is left alone: it would be killed for ever."""


@dataclass(frozen=True)
class Program:
    """A process as supervisord knows it; pid 0 while there is none, and its age in seconds.

    Attributes:
        usage: what the kernel tells of the process, None where it does not.
        killed: seconds since each kill that the watchdog asked for; supervisord remembers them.
    """

    name: str
    pid: int
    state: str
    age: float = 0.0
    usage: Usage | None = None
    killed: tuple[float, ...] = ()


@dataclass
class Process:
    """A process as the clock hears of it."""

    pid: int
    since: float
    account: Account
    beat: float | None = None
    seq: int | None = None
    moved: float | None = None
    health: Health = "unknown"
    reason: str = ""
    well: float | None = None
    """When it was first heard past its start."""

    def hear(self, peer: Peer, now: float) -> None:
        """Take what the clock has heard of it."""
        beat = now - peer.age
        self.beat = beat if self.beat is None else max(self.beat, beat)
        if self.seq is not None and peer.seq != self.seq:
            self.moved = now
        self.seq, self.health, self.reason = peer.seq, peer.health, peer.reason
        if self.well is None and self.health != "starting":
            self.well = now


@dataclass
class Record:
    """What is remembered of a program from one process to the next."""

    process: Process | None = None
    kills: deque[float] = field(default_factory=deque)
    in_vain: int = 0
    """Kills since a process of it was well."""
    alarmed: bool = False
    retry_delay: float = RETRY_FIRST
    retry_due: float | None = None
    running_since: float | None = None

    @classmethod
    def of(cls, program: Program, now: float) -> "Record":
        """Begin with what the watchdog before this one did."""
        kills = deque(sorted(now - ago for ago in program.killed if ago < KILLS_WITHIN))
        in_vain = sum(ago < MEMORY for ago in program.killed)
        return cls(kills=kills, in_vain=min(in_vain, MOST_IN_VAIN - 1))

    def take(self, program: Program, now: float) -> None:
        """Take what supervisord says of it."""
        if program.pid == 0 or program.state != "RUNNING":
            self.process = None
        elif self.process is None or self.process.pid != program.pid:
            begun = now - program.age
            self.process = Process(program.pid, begun, Account(begun))
        if self.process is not None:
            self.process.account.look(program.usage, now)
        self._note_failures(program.state, now)

    @property
    def patience(self) -> float:
        """How many times the usual a process may take: twice as long after each kill in vain."""
        return float(2**self.in_vain)

    def calm(self, now: float) -> None:
        """Its process does not hang at `now`: once it has been well for a while, the kills before are forgiven."""
        process = self.process
        if process is not None and process.well is not None and process.account.usable(process.well) > WELL_FOR:
            self.in_vain = 0
        if self.in_vain < ALARM_AFTER and (not self.kills or now - self.kills[-1] > KILLS_WITHIN):
            self.alarmed = False

    def _note_failures(self, state: str, now: float) -> None:
        if state == "FATAL":
            self.running_since = None
            if self.retry_due is None:
                self.retry_due = now + self.retry_delay
            return
        self.retry_due = None
        if state != "RUNNING":
            self.running_since = None
        elif self.running_since is None:
            self.running_since = now
        elif now - self.running_since > RETRY_LONGEST:
            self.retry_delay = RETRY_FIRST
