"""Who hangs and who does not, pure: reports of the clock and of supervisord in, kills and starts out.

A node is judged by the beats that the clock has heard of it, and the clock by its own reports. All times are moments of
one monotonic clock in seconds, given by the caller. Whenever the watchdog cannot know (it slept itself, the clock was
away, a node has just started), the node's time begins again and nobody is judged. Only time counts in which a process
could run: one that waits for a processor or a disk does not hang (`nodes.supervision.account`). After each kill in vain
the limits are twice as long.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bus.protocol.health import COMPILING, PROGRAMS, Health, HealthReport
from bus.protocol.messages import Peer, Status
from nodes.supervision.account import Account
from nodes.supervision.watchdog.program_record import (
    ALARM_AFTER,
    KILLS_WITHIN,
    MOST_IN_VAIN,
    RETRY_LONGEST,
    Process,
    Program,
    Record,
)

BEAT_LIMIT = 2.0
"""Seconds without a beat after which a node counts as hung; for the clock, seconds without a report."""

PROGRESS_LIMIT = 2.0
"""Seconds that a beating node may stay at the same tick while the clock goes on."""

CATCHING_UP_LIMIT = 10.0
"""The same for a node that says that it is catching up."""

START_LIMIT = 10.0
"""Seconds that a process may do nothing before its first beat, although nothing keeps it from running."""

LOADING_LIMIT = 20.0
"""The same for one that says that it is starting."""

COMPILING_LIMIT = 180.0
"""The same for one that compiles its kernel, which happens once on a machine."""

START_WORK = 60.0
"""Seconds on a processor within which a process must have started; three are usual."""

COMPILING_WORK = 900.0
"""The same for one that compiles; sixty are usual."""

REJOIN_LIMIT = 5.0
"""Seconds that nodes have to reach a clock again that was away."""

FIRST_REPORT_LIMIT = 3.0
"""Seconds from the watchdog's own start, or waking up, to the first report of a clock that was there before."""

REPORT_GAP = 1.0
"""Seconds without a report of the clock, which makes five a second, after which nothing is known of the others."""

OWN_PAUSE = 1.0
"""Seconds between two looks above which the watchdog itself has slept, and everybody's time begins again."""

KILLS = 5
"""Most kills of one program within KILLS_WITHIN seconds; instead of the next one there is an alarm."""

BEATS_ALONE: Final[frozenset[Health]] = frozenset({"unknown", "behind", "degraded", "fault", "alarm"})
"""What a node reports that may stay at its tick: only its beats count. Another start would meet the same obstacle."""


@dataclass(frozen=True)
class Kill:
    """End this process of this program, if the program still has it."""

    program: str
    pid: int
    reason: str


@dataclass(frozen=True)
class StartProgram:
    """Start a program that supervisord has given up."""

    program: str


@dataclass(frozen=True)
class HangAlarm:
    """A program hangs, and has been killed too often lately to be killed again now."""

    program: str
    reason: str


Action = Kill | StartProgram | HangAlarm


class WatchdogCore:
    """The watchdog's judgement.

    Args:
        now: present moment.
        clock: program that runs the clock.
        unwatched: programs that never beat, and are never judged.
        supervisor: id of the supervisor whose programs these are. Peers of other supervisors are ignored: they are on
            other hosts, where the same process ids mean other processes.
    """

    def __init__(self, now: float, clock: str = "clock", unwatched: Collection[str] = (), supervisor: str = "") -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._unwatched = frozenset(unwatched)
        self._records: dict[str, Record] = {}
        self._looked = now
        self._armed = now
        self._heard: float | None = None
        self._epoch = -1
        # Three moments before which silence proves nothing: the watchdog has been awake since `_armed`, the clock has
        # been heard without a break since `_trusted`, and its ticks have gone on without a break since `_ticking`.
        self._trusted = now
        self._ticking = now
        self.seq = 0

    # What is heard

    def look(self, now: float) -> bool:
        """Note the time before anything else at `now`; returns True if the watchdog has slept since the last call."""
        slept = now - self._looked > OWN_PAUSE
        self._looked = now
        if slept:
            self._armed = now
        return slept

    def on_status(self, status: Status, now: float) -> None:
        """Take the clock's report, which says when it last heard of whom."""
        # A clock that was replaced may have reports under way; they must not vouch for the new one. Once nobody with a
        # higher epoch reports any more, a lower one is believed: a clock with an empty data folder begins low again.
        if status.epoch < self._epoch and self._heard is not None and now - self._heard <= REPORT_GAP:
            return
        if self._heard is None:
            # The first report to a new watchdog. The clock's frames say how long it has run, and nodes found it then:
            # with a clock that is old enough nobody gets the time to rejoin once more, and what hung before this
            # watchdog came is found at once.
            self._trusted = now - min(status.frames_sent / status.rate, REJOIN_LIMIT)
        elif status.epoch != self._epoch or now - self._heard > REPORT_GAP:
            # Another clock, or one that was away: it has heard of nobody for a while, through no fault of theirs.
            self._trusted = now
        # Without new ticks nobody can make progress. A paused clock does send ticks, which advance nothing.
        if status.seq == self.seq:
            self._ticking = now
        self._epoch, self._heard, self.seq = status.epoch, now, status.seq
        by_pid: dict[int, Peer] = {}
        for peer in status.peers:
            if peer.supervisor != self._supervisor:
                continue
            # The clock remembers a peer for a minute after its last beat. Meanwhile the process may have gone on under
            # another name, or another process may have got its number: the youngest beat is that of the living one.
            known = by_pid.get(peer.pid)
            if known is None or peer.age < known.age:
                by_pid[peer.pid] = peer
        for record in self._records.values():
            process = record.process
            if process is not None and process.pid in by_pid:
                process.hear(by_pid[process.pid], now)

    def on_programs(self, programs: list[Program], now: float) -> None:
        """Take supervisord's list of all its programs."""
        # A program can go while the plant runs: `supervisorctl update` after a change of the file.
        for name in self._records.keys() - {program.name for program in programs}:
            del self._records[name]
        for program in programs:
            record = self._records.get(program.name)
            if record is None:
                record = self._records[program.name] = Record.of(program, now)
            record.take(program, now)

    # What follows from it

    def decide(self, now: float) -> list[Action]:
        """What is to be done at `now`; each action is returned once."""
        actions: list[Action] = []
        for name, record in self._records.items():
            # Without an end, but less and less often: what keeps a program from starting may take hours to be repaired,
            # and nobody should then have to start it by hand.
            if record.retry_due is not None and now >= record.retry_due:
                record.retry_delay = min(2 * record.retry_delay, RETRY_LONGEST)
                record.retry_due = now + record.retry_delay
                actions.append(StartProgram(name))
            process = record.process
            if process is None or name in self._unwatched:
                continue
            reason = (
                self._clock_hangs(record, process, now) if name == self._clock else self._hangs(record, process, now)
            )
            if reason:
                actions += self._condemn(name, record, process, reason, now)
            else:
                record.calm(now)
        return actions

    def _usable(self, process: Process, since: float) -> float:
        """Seconds since a moment in which the clock could have heard of a process, had it been alive.

        Time in which the process could not run does not count, and neither does time in which the clock could not,
        since the clock has to hear the beats. Of both only sums are known, not when each of them ran. So the process's
        usable time is multiplied by the share of the time that the clock could use.
        """
        clock = self._records.get(self._clock)
        relay = clock.process if clock is not None else None
        usable, passed = process.account.usable(since), process.account.looked - since
        if relay is None or relay is process or passed <= 0:
            return usable
        return usable * min(1.0, relay.account.usable(since) / passed)

    def _clock_hangs(self, record: Record, process: Process, now: float) -> str:
        heard, account = self._heard, process.account
        # Nobody relays the clock's own signs of life, so only its own usable time counts. Both conditions of a start
        # are needed: this watchdog has listened for long enough, and the process has had enough time of its own.
        if heard is None or heard < process.since:
            late = account.usable(self._armed) > FIRST_REPORT_LIMIT and _slow(record, account, START_LIMIT, START_WORK)
            return f"no report {now - process.since:.1f} s after its start" if late else ""
        if process.well is None:
            process.well = heard
        silent = account.usable(max(heard, self._armed))
        return f"no report for {silent:.1f} s" if silent > BEAT_LIMIT * record.patience else ""

    def _hangs(self, record: Record, process: Process, now: float) -> str:
        """Why a process counts as hung; empty if it does not, or if nothing is known of it."""
        # Beats come by way of the clock. Without its reports everybody looks silent, and the clock alone is judged.
        if self._heard is None or now - self._heard > REPORT_GAP:
            return ""
        account, usable = process.account, self._usable
        # Silence counts from here at the earliest. The third term gives every node REJOIN_LIMIT to reach a clock that
        # was away: BEAT_LIMIT of silence after it ends REJOIN_LIMIT after the clock's return.
        known = max(process.since, self._armed, self._trusted + REJOIN_LIMIT - BEAT_LIMIT)
        heard_anew = usable(process, self._armed) > BEAT_LIMIT and usable(process, self._trusted) > REJOIN_LIMIT
        if process.beat is None:
            late = heard_anew and _slow(record, account, START_LIMIT, START_WORK)
            return f"no beat {now - process.since:.1f} s after its start" if late else ""
        silent = usable(process, max(process.beat, known))
        if process.health == "starting":
            # These beats come from a thread of their own, which goes on when the rest of the node hangs: they are no
            # proof of life, so the start as a whole has limits, too.
            compiling = process.reason == COMPILING
            limits = (COMPILING_LIMIT, COMPILING_WORK) if compiling else (LOADING_LIMIT, START_WORK)
            long = usable(process, self._armed) > REJOIN_LIMIT and _slow(record, account, *limits)
            if silent > START_LIMIT * record.patience or long:
                what = COMPILING if compiling else process.health
                return f"{what} for {now - process.since:.1f} s, last beat {silent:.1f} s ago"
            return ""
        if silent > BEAT_LIMIT * record.patience:
            return f"no beat for {silent:.1f} s"
        return self._stuck(record, process, known)

    def _stuck(self, record: Record, process: Process, known: float) -> str:
        if process.health in BEATS_ALONE:
            return ""
        """Why a process that beats counts as hung all the same: it stays at one tick while the clock goes on."""
        stayed = self._usable(process, max(process.moved or process.since, known, self._ticking))
        limit = CATCHING_UP_LIMIT if process.health == "catching_up" else PROGRESS_LIMIT
        if process.moved is None:  # it has just started, and its subscription may not have reached the clock yet
            limit = START_LIMIT
        return f"at tick {process.seq} for {stayed:.1f} s" if stayed > limit * record.patience else ""

    def _condemn(self, name: str, record: Record, process: Process, reason: str, now: float) -> list[Action]:
        """Kill a process that hangs, or raise an alarm where killing has not helped."""
        while record.kills and now - record.kills[0] > KILLS_WITHIN:
            record.kills.popleft()
        actions: list[Action] = []
        kill = len(record.kills) < KILLS and record.in_vain < MOST_IN_VAIN
        if kill:
            record.kills.append(now)
            record.in_vain += 1  # until a process of the program is well; see `Record.calm`
            # The same process with a new account: it dies within the next few looks, and must not be condemned at each
            # of them. If it does not die, the limits run out once more.
            known = (process.beat, process.seq, process.moved, process.health, process.reason)
            record.process = Process(process.pid, now, Account(now), *known)
            actions.append(Kill(name, process.pid, reason))
        if not record.alarmed and (not kill or record.in_vain >= ALARM_AFTER):
            record.alarmed = True
            actions.append(HangAlarm(name, reason))
        return actions

    @property
    def health(self) -> HealthReport:
        """What the watchdog reports of itself to the clock."""
        alarms = [name for name, record in self._records.items() if record.alarmed]
        failed = [name for name, record in self._records.items() if record.retry_due is not None]
        if alarms:
            detail = f"{', '.join(alarms)}: killed several times, and still hanging or not coming up"
            return HealthReport("alarm", detail, PROGRAMS)
        if failed:
            return HealthReport("ok", f"starting again: {', '.join(failed)}", PROGRAMS)
        watched = sum(1 for name in self._records if name not in self._unwatched)
        return HealthReport("ok", f"watching {watched} programs")


def _slow(record: Record, account: Account, idle: float, work: float) -> bool:
    """True if a process has done nothing for too long since its start, or has worked for too long without an end.

    Args:
        record: of its program, whose kills in vain make both limits longer.
        account: of the process.
        idle: seconds that it may do nothing.
        work: seconds that it may run.
    """
    # Time that has merely passed would condemn a node that loads on a hundredth of a processor.
    begun = account.begun
    return account.idle(begun) > idle * record.patience or account.ran(begun) > work * record.patience
