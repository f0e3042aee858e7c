"""What the watchdog knows of one program: its process, how that spent its time, and how often it was killed. Pure."""

from collections import deque
from dataclasses import dataclass, field

from bus.protocol.health import Health
from bus.protocol.messages import Peer
from nodes.supervision.account import Account, Usage

RETRY_FIRST = 0.5
RETRY_LONGEST = 10.0
"""Seconds from a program's failure to its next start: the first pause doubles up to the longest, without an end."""

KILLS_WITHIN = 60.0
"""Seconds over which kills of one program are counted."""

MEMORY = 600.0
"""Seconds for which a new watchdog counts kills of the one before it as kills in vain, until the program is well."""

WELL_FOR = 2.0
"""Usable seconds that a process must go on after its start before the kills that came before it were not in vain."""

ALARM_AFTER = 3
"""Kills in vain in a row after which there is an alarm."""

MOST_IN_VAIN = 6
"""Kills in vain in a row after which a program is left alone: it would be killed without an end."""


@dataclass(frozen=True)
class Program:
    """A program as supervisord knows it.

    Attributes:
        name: the program, with its group if that has another name.
        pid: its process, 0 while there is none.
        state: in supervisord's words, such as RUNNING or FATAL.
        age: seconds since the process was started.
        usage: what the kernel reports of the process, None where it reports nothing.
        killed: seconds since each kill that a watchdog asked for; supervisord remembers them.
    """

    name: str
    pid: int
    state: str
    age: float = 0.0
    usage: Usage | None = None
    killed: tuple[float, ...] = ()


@dataclass
class Process:
    """A process as the clock hears of it. All times are moments of one monotonic clock in seconds.

    Attributes:
        pid: its number.
        since: its start, or the kill that it survived.
        account: what it could use of its time.
        beat: its last beat, None before the first one.
        seq: the tick that it last reported, None before its first beat.
        moved: when it last reported another tick than before, None if it never has.
        health: what it reports of itself.
        reason: for what reason, in words for programs.
        well: when it was first heard past its start, None until then.
    """

    pid: int
    since: float
    account: Account
    beat: float | None = None
    seq: int | None = None
    moved: float | None = None
    health: Health = "unknown"
    reason: str = ""
    well: float | None = None

    def hear(self, peer: Peer, now: float) -> None:
        """Take what the clock has heard of it."""
        # The age is that of the beat when the clock published its report, which takes a different time to arrive each
        # time: the same beat may look a little older than before. It never really becomes older.
        beat = now - peer.age
        self.beat = beat if self.beat is None else max(self.beat, beat)
        # Any other tick is progress, a lower one too: after a new run ticks begin at zero again.
        if self.seq is not None and peer.seq != self.seq:
            self.moved = now
        self.seq, self.health, self.reason = peer.seq, peer.health, peer.reason
        if self.well is None and self.health != "starting":
            self.well = now


@dataclass
class Record:
    """What is remembered of a program from one process to the next.

    Attributes:
        process: its present process, None while it has none that runs.
        kills: moments of its kills of the last KILLS_WITHIN seconds, the oldest first.
        in_vain: kills since a process of it was last well.
        alarmed: there has been an alarm, which still holds.
        retry_delay: seconds from its next failure to the start after it.
        retry_due: moment of that start, None while supervisord has not given the program up.
        running_since: since when it has been seen running without a break, None while it is not.
    """

    process: Process | None = None
    kills: deque[float] = field(default_factory=deque)
    in_vain: int = 0
    alarmed: bool = False
    retry_delay: float = RETRY_FIRST
    retry_due: float | None = None
    running_since: float | None = None

    @classmethod
    def of(cls, program: Program, now: float) -> "Record":
        """A record that begins with the kills of the watchdogs before this one."""
        # One less than the most: the process that runs now was never judged, and is given one kill more.
        kills = deque(sorted(now - ago for ago in program.killed if ago < KILLS_WITHIN))
        in_vain = sum(ago < MEMORY for ago in program.killed)
        return cls(kills=kills, in_vain=min(in_vain, MOST_IN_VAIN - 1))

    def take(self, program: Program, now: float) -> None:
        """Take what supervisord reports of it at `now`."""
        if program.pid == 0 or program.state != "RUNNING":
            self.process = None
        elif self.process is None or self.process.pid != program.pid:
            # Its age is supervisord's: a new watchdog does not give the time of a start to a process that has long run.
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
        """Note that its process does not hang at `now`; after it has been well for a while, earlier kills do not count.

        The alarm goes later than the kills in vain: only once the last kill is KILLS_WITHIN seconds ago. A program that
        comes up, lives for a few seconds and hangs again is one alarm, not many.
        """
        process = self.process
        if process is not None and process.well is not None and process.account.usable(process.well) > WELL_FOR:
            self.in_vain = 0
        if self.in_vain < ALARM_AFTER and (not self.kills or now - self.kills[-1] > KILLS_WITHIN):
            self.alarmed = False

    def _note_failures(self, state: str, now: float) -> None:
        # FATAL is supervisord's word for a program that it has given up. It tries no more, whatever changes.
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
        # Not at once: a program that dies right after each start would be started at the first, short pause each time.
        elif now - self.running_since > RETRY_LONGEST:
            self.retry_delay = RETRY_FIRST
