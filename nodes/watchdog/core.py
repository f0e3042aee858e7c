"""Who hangs and who does not, pure: reports of the clock and of supervisord in, kills and starts out.

A node is judged by the beats that the clock has heard of it, and the clock by its own reports. All times are moments of
one monotonic clock in seconds, given by the caller. Whenever the watchdog cannot know (it slept itself, the clock was
away, a node has just begun), it waits anew instead of judging.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from bus.messages import Peer, Status

BEAT_LIMIT = 2.0
"""Seconds without a beat after which a node counts as hung; for the clock, seconds without a report."""

PROGRESS_LIMIT = 2.0
"""Seconds that a beating node may stay at the same tick while the clock goes on."""

CATCHING_UP_LIMIT = 10.0
"""The same for a node that says that it is catching up."""

START_LIMIT = 10.0
"""Seconds from the start of a process to its first beat."""

LOADING_LIMIT = 20.0
"""Seconds that a node may say that it is starting."""

COMPILING_LIMIT = 180.0
"""The same for one that compiles its kernel, which happens once on a machine."""

REJOIN_LIMIT = 5.0
"""Seconds that nodes have to be heard again by a clock that was away."""

FIRST_REPORT_LIMIT = 3.0
"""Seconds from the watchdog's own start, or sleep, to the first report of a clock that has run for longer."""

REPORT_GAP = 1.0
"""Seconds without a report of the clock, which makes five a second, after which nothing is known of the others."""

OWN_PAUSE = 1.0
"""Seconds between two looks at the time after which the watchdog has slept itself: everyone starts anew."""

KILLS = 5
KILLS_WITHIN = 60.0
"""Most kills of one node in so many seconds; beyond it there is an alarm instead."""

RETRY_FIRST = 0.5
RETRY_LONGEST = 10.0
"""Seconds from a program's failure to its next start: the first doubles up to the longest, for ever."""

STARTING = "starting:"
COMPILING = "starting: compiling"
CATCHING_UP = "catching up"
FAULT = "fault"


@dataclass(frozen=True)
class Program:
    """A process as supervisord knows it; pid 0 while there is none, and its age in seconds."""

    name: str
    pid: int
    state: str
    age: float = 0.0


@dataclass(frozen=True)
class Kill:
    """End this process of this program."""

    program: str
    pid: int
    reason: str


@dataclass(frozen=True)
class Start:
    """Start a program that supervisord has given up."""

    program: str


@dataclass(frozen=True)
class Alarm:
    """A program hangs, and has been killed too often lately to be killed again now."""

    program: str
    reason: str


Action = Kill | Start | Alarm


@dataclass
class _Process:
    pid: int
    since: float
    beat: float | None = None
    seq: int | None = None
    moved: float | None = None
    status: str = ""


@dataclass
class _Record:
    """What is remembered of a program from one process to the next."""

    process: _Process | None = None
    kills: deque[float] = field(default_factory=deque)
    alarmed: bool = False
    retry_delay: float = RETRY_FIRST
    retry_due: float | None = None
    running_since: float | None = None


class WatchdogCore:
    """The watchdog's judgement.

    Args:
        now: present moment.
        clock: program that runs the clock.
        unwatched: programs that never beat.
    """

    def __init__(self, now: float, clock: str = "clock", unwatched: Collection[str] = ()) -> None:
        self._clock = clock
        self._unwatched = frozenset(unwatched)
        self._records: dict[str, _Record] = {}
        self._looked = now
        self._armed = now
        self._heard: float | None = None
        self._epoch = -1
        self._trusted = now  # the clock has been heard without a break since then
        self._ticking = now  # its ticks have run without a break since then
        self.seq = 0

    # What is heard

    def look(self, now: float) -> bool:
        """To be called before anything else happens at `now`; returns True if the watchdog itself has slept."""
        slept = now - self._looked > OWN_PAUSE
        self._looked = now
        if slept:
            self._armed = now
        return slept

    def on_status(self, status: Status, now: float) -> None:
        """The clock's report, which tells when it last heard of whom."""
        if status.epoch < self._epoch and self._heard is not None and now - self._heard <= REPORT_GAP:
            return  # of a clock that was replaced, while the newer one reports
        if self._heard is None:  # what this watchdog missed does not matter if everybody has long found the clock
            self._trusted = now - min(status.frames_sent / status.rate, REJOIN_LIMIT)
        elif status.epoch != self._epoch or now - self._heard > REPORT_GAP:
            self._trusted = now
        if status.seq == self.seq:
            self._ticking = now
        self._epoch, self._heard, self.seq = status.epoch, now, status.seq
        by_pid: dict[int, Peer] = {}
        for peer in status.peers:
            known = by_pid.get(peer.pid)
            if known is None or peer.age < known.age:
                by_pid[peer.pid] = peer
        for record in self._records.values():
            process = record.process
            if process is not None and process.pid in by_pid:
                _take(process, by_pid[process.pid], now)

    def on_programs(self, programs: list[Program], now: float) -> None:
        """Supervisord's list of all its programs."""
        for name in self._records.keys() - {program.name for program in programs}:
            del self._records[name]
        for program in programs:
            record = self._records.setdefault(program.name, _Record())
            if program.pid == 0 or program.state != "RUNNING":
                record.process = None
            elif record.process is None or record.process.pid != program.pid:
                record.process = _Process(program.pid, now - program.age)
            _note_failures(record, program.state, now)

    # What follows from it

    def decide(self, now: float) -> list[Action]:
        """What is to be done at `now`; each action is told once."""
        actions: list[Action] = []
        for name, record in self._records.items():
            if record.retry_due is not None and now >= record.retry_due:
                record.retry_delay = min(2 * record.retry_delay, RETRY_LONGEST)
                record.retry_due = now + record.retry_delay
                actions.append(Start(name))
            process = record.process
            if process is None or name in self._unwatched:
                continue
            reason = self._clock_hangs(process, now) if name == self._clock else self._hangs(process, now)
            if reason:
                actions += self._condemn(name, record, process, reason, now)
            elif record.alarmed and now - record.kills[-1] > KILLS_WITHIN:
                record.alarmed = False
        return actions

    def _clock_hangs(self, process: _Process, now: float) -> str:
        heard = self._heard
        if heard is None or heard < process.since:
            late = now > max(process.since + START_LIMIT, self._armed + FIRST_REPORT_LIMIT)
            return f"no report {now - process.since:.1f} s after its start" if late else ""
        silent = now - max(heard, self._armed)
        return f"no report for {silent:.1f} s" if silent > BEAT_LIMIT else ""

    def _hangs(self, process: _Process, now: float) -> str:
        """Why a process counts as hung, empty if it does not or nothing is known of it."""
        if self._heard is None or now - self._heard > REPORT_GAP:
            return ""
        known = max(process.since, self._armed, self._trusted + REJOIN_LIMIT - BEAT_LIMIT)
        if process.beat is None:
            late = now > max(process.since + START_LIMIT, self._armed + BEAT_LIMIT, self._trusted + REJOIN_LIMIT)
            return f"no beat {now - process.since:.1f} s after its start" if late else ""
        silent = now - max(process.beat, known)
        if process.status.startswith(STARTING):
            limit = COMPILING_LIMIT if process.status.startswith(COMPILING) else LOADING_LIMIT
            took = now - process.since
            if silent > START_LIMIT or took > max(limit, self._armed - process.since + REJOIN_LIMIT):
                return f"{process.status!r} for {took:.1f} s, last beat {silent:.1f} s ago"
            return ""
        if silent > BEAT_LIMIT:
            return f"no beat for {silent:.1f} s"
        return self._stuck(process, known, now)

    def _stuck(self, process: _Process, known: float, now: float) -> str:
        if process.status.startswith(FAULT):  # it says why it cannot go on; another start would meet the same
            return ""
        stayed = now - max(process.moved or process.since, known, self._ticking)
        limit = CATCHING_UP_LIMIT if process.status.startswith(CATCHING_UP) else PROGRESS_LIMIT
        if process.moved is None:  # it has just begun and may not hear the ticks yet
            limit = START_LIMIT
        return f"at tick {process.seq} for {stayed:.1f} s" if stayed > limit else ""

    def _condemn(self, name: str, record: _Record, process: _Process, reason: str, now: float) -> list[Action]:
        while record.kills and now - record.kills[0] > KILLS_WITHIN:
            record.kills.popleft()
        if len(record.kills) >= KILLS:
            if record.alarmed:
                return []
            record.alarmed = True
            return [Alarm(name, reason)]
        record.kills.append(now)
        record.process = _Process(process.pid, now, process.beat, process.seq, process.moved, process.status)
        return [Kill(name, process.pid, reason)]

    @property
    def status(self) -> str:
        """One line for the clock's table of peers."""
        alarms = [name for name, record in self._records.items() if record.alarmed]
        failed = [name for name, record in self._records.items() if record.retry_due is not None]
        if alarms:
            return f"alarm: {', '.join(alarms)} killed {KILLS} times in {KILLS_WITHIN:.0f} s and hung again"
        if failed:
            return f"starting again: {', '.join(failed)}"
        watched = sum(1 for name in self._records if name not in self._unwatched)
        return f"watching {watched} programs"


def _take(process: _Process, peer: Peer, now: float) -> None:
    beat = now - peer.age
    process.beat = beat if process.beat is None else max(process.beat, beat)
    if process.seq is not None and peer.seq != process.seq:
        process.moved = now
    process.seq, process.status = peer.seq, peer.status


def _note_failures(record: _Record, state: str, now: float) -> None:
    if state == "FATAL":
        record.running_since = None
        if record.retry_due is None:
            record.retry_due = now + record.retry_delay
        return
    record.retry_due = None
    if state != "RUNNING":
        record.running_since = None
    elif record.running_since is None:
        record.running_since = now
    elif now - record.running_since > RETRY_LONGEST:
        record.retry_delay = RETRY_FIRST
