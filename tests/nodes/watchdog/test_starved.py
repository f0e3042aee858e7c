"""The watchdog's judgement where processors are short, in virtual time: it counts what a process could use."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from msgspec.structs import replace

from bus.protocol.health import COMPILING, OK, HealthReport
from bus.protocol.messages import Peer
from nodes.supervision.account import Usage
from nodes.supervision.watchdog.core import BEAT_LIMIT, START_LIMIT, START_WORK, HangAlarm, Kill, WatchdogCore
from nodes.supervision.watchdog.program_record import MOST_IN_VAIN, Program
from tests.nodes.watchdog.world import report

STEP = 0.25
RESTART = 0.5

Spent = Callable[[float], Usage | None]
"""What the kernel tells of a process at an age in seconds."""


def starved(share: float) -> Spent:
    """It always could run, and gets a share of a processor."""
    return lambda age: Usage(share * age, (1 - share) * age)


def asleep(age: float) -> Usage:
    """It has run for a moment, and sleeps."""
    return Usage(min(age, 0.1), 0.0)


class Bench:
    """A clock that reports, and one node: how it spends its time, and what it says."""

    def __init__(
        self, spent: Spent, said: HealthReport | None = None, silent_after: float = 0.0, beats_every: float = STEP
    ) -> None:
        self.spent, self.said, self.silent_after, self.beats_every = spent, said, silent_after, beats_every
        self.clock: Spent = lambda _age: Usage(1.0, 0.0)
        self.core = WatchdogCore(0.0)
        self.now = 0.0
        self.begun = 0.0
        self.pid = 7
        self.kills: list[float] = []
        self.alarms: list[float] = []

    def program(self) -> Program:
        """The node as supervisord lists it."""
        age = self.now - self.begun
        if age < 0:
            return Program("physics", 0, "EXITED", killed=self.killed)
        return Program("physics", self.pid, "RUNNING", age, self.spent(age), self.killed)

    @property
    def killed(self) -> tuple[float, ...]:
        """Seconds since each kill, as supervisord remembers them."""
        return tuple(self.now - each for each in self.kills)

    def run(self, seconds: float) -> None:
        """Let time pass; whoever is killed begins anew, and a new watchdog may have come."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.core.look(self.now)
            clock = Program("clock", 3, "RUNNING", 1000 + self.now, self.clock(1000 + self.now))
            self.core.on_programs([clock, self.program()], self.now)
            age = self.now - self.begun
            heard = min(age, self.silent_after) if self.silent_after else age - age % self.beats_every
            said, peers = self.said, []
            if said is not None and age >= 0:
                known = Peer("physics", "p", self.pid, said.text, round(heard * 100), 0, age - heard)
                peers = [replace(known, health=said.health, reason=said.reason)]
            self.core.on_status(report(1, round(self.now * 100), peers), self.now)
            for action in self.core.decide(self.now):
                if isinstance(action, Kill):
                    self.kills.append(self.now)
                    self.pid, self.begun = self.pid + 1, self.now + RESTART
                elif isinstance(action, HangAlarm):
                    self.alarms.append(self.now)


def test_f03_a_node_that_starts_slowly_for_want_of_a_processor_is_left_alone() -> None:
    bench = Bench(starved(0.05))
    bench.run(600)
    assert bench.kills == []


def test_f03_a_node_that_says_that_it_loads_is_left_alone_however_long_its_work_takes() -> None:
    bench = Bench(starved(0.05), HealthReport("starting", "loading the kernel"))
    bench.run(600)
    assert bench.kills == []


def test_f04_a_node_that_compiles_may_work_for_minutes() -> None:
    bench = Bench(starved(1.0), HealthReport("starting", "compiling the kernel", COMPILING))
    bench.run(300)
    assert bench.kills == []


@pytest.mark.parametrize(("spent", "limit"), [(asleep, START_LIMIT), (starved(1.0), START_WORK)])
def test_a_node_that_sleeps_or_loops_at_its_start_is_killed(spent: Spent, limit: float) -> None:
    bench = Bench(spent)
    bench.run(limit + 1)
    assert len(bench.kills) == 1
    assert bench.kills[0] == pytest.approx(limit, abs=0.5)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_f03_silence_counts_only_while_the_node_could_run(share: float) -> None:
    bench = Bench(lambda age: Usage(0.1, (1 - share) * age), OK, silent_after=20.0)
    bench.run(20 + 0.9 * BEAT_LIMIT / share)
    assert bench.kills == []
    bench.run(0.2 * BEAT_LIMIT / share + 1)
    assert len(bench.kills) == 1


def test_f03_a_node_that_starts_on_a_hundredth_of_a_processor_is_left_alone() -> None:
    bench = Bench(starved(0.01))
    bench.run(600)
    assert bench.kills == [], "it has had six seconds, and three are usual"


def test_f03_a_node_that_beats_seldom_for_want_of_a_processor_is_left_alone() -> None:
    bench = Bench(starved(0.01), OK, beats_every=60.0)
    bench.run(1200)
    assert bench.kills == [], "0.6 s of work from beat to beat"


def in_pieces(age: float) -> Usage:
    """It is given a processor for 30 ms, every three seconds; the kernel books a wait when it is over."""
    turns = int(age / 3)
    return Usage(0.03 * (turns + 1), 2.97 * turns)


def test_f03_waits_that_are_told_late_are_no_time_that_it_had() -> None:
    bench = Bench(in_pieces)
    bench.run(600)
    assert bench.kills == []


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_what_hangs_after_it_was_starved_is_killed_at_once_and_what_loops_after_its_share(share: float) -> None:
    deadlocked = Bench(lambda age: starved(share)(min(age, 20.0)), OK, silent_after=20.0)
    deadlocked.run(20 + BEAT_LIMIT + 1)
    assert len(deadlocked.kills) == 1
    looping = Bench(starved(share), OK, silent_after=20.0)
    looping.run(20 + BEAT_LIMIT / share - 5)
    assert looping.kills == []
    looping.run(10)
    assert len(looping.kills) == 1


def test_what_loops_is_killed_though_the_clock_is_starved_too() -> None:
    bench = Bench(starved(0.5), OK, silent_after=20.0)
    bench.clock = starved(0.5)
    bench.run(20 + 4 * BEAT_LIMIT + 5)
    assert len(bench.kills) == 1


@pytest.mark.parametrize("usage", [Usage(1.0, 0.0, blocked=True), Usage(1.0, 0.0, waits=True)])
def test_f02_who_waits_for_a_disk_or_says_that_it_waits_is_left_alone(usage: Usage) -> None:
    bench = Bench(lambda _age: usage)
    bench.run(300)
    assert bench.kills == []


def test_f03_the_limits_double_with_each_kill_in_vain_then_there_is_an_alarm_and_it_is_left_alone() -> None:
    bench = Bench(asleep)
    bench.run(3600)
    assert len(bench.kills) == MOST_IN_VAIN
    gaps = [later - sooner for sooner, later in pairwise([0.0, *bench.kills])]
    assert gaps == pytest.approx([START_LIMIT * 2**k for k in range(MOST_IN_VAIN)], rel=0.12)
    assert len(bench.alarms) == 1
    assert bench.core.health.detail.startswith("physics")
    assert bench.core.health.health == "alarm"
    bench.said = OK
    bench.run(60)
    assert bench.core.health == ("ok", "watching 2 programs", ""), "it has come up by itself"


def test_f03_a_new_watchdog_knows_the_kills_of_the_one_before() -> None:
    bench = Bench(asleep)
    bench.run(40)
    assert len(bench.kills) == 2
    bench.core = WatchdogCore(bench.now)
    bench.run(4 * START_LIMIT - 15)
    assert len(bench.kills) == 2, "it has the patience that the third process gets"
    bench.run(15)
    assert len(bench.kills) == 3


def test_without_figures_of_the_kernel_all_time_counts() -> None:
    bench = Bench(lambda _age: None)
    bench.run(START_LIMIT + 1)
    assert len(bench.kills) == 1
