"""The watchdog's judgement in virtual time: it ends what hangs, never what lives, and not everyone after a sleep."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from bus.protocol.health import COMPILING, PROGRAMS, Health
from bus.protocol.messages import Peer
from nodes.supervision.watchdog.core import Kill, StartProgram, WatchdogCore
from nodes.supervision.watchdog.program_record import Program
from tests.nodes.watchdog.world import World, report

NODES = ("physics", "gateway", "ui")


@pytest.fixture
def world() -> World:
    """A plant that has run for a while."""
    world = World(*NODES)
    world.run(15)
    assert world.killed == []
    return world


@pytest.mark.parametrize("name", NODES)
def test_a_silent_node_is_killed_once_within_three_seconds(world: World, name: str) -> None:
    world.nodes[name].silent_since = world.now
    world.run(3)
    assert [killed for _, killed in world.killed] == [name]
    world.run(30)
    assert len(world.killed) == 1


def test_a_node_that_beats_and_stays_at_its_tick_is_killed(world: World) -> None:
    world.nodes["gateway"].stuck_since = world.now
    world.run(3)
    assert [killed for _, killed in world.killed] == ["gateway"]


@pytest.mark.parametrize("health", ["fault", "alarm", "degraded", "behind", "unknown"])
def test_a_node_that_says_why_it_does_not_go_on_is_left_alone(world: World, health: Health) -> None:
    node = world.nodes["physics"]
    node.health, node.stuck_since = health, world.now
    world.run(60)
    assert world.killed == []


def test_a_node_that_catches_up_gets_more_time(world: World) -> None:
    node = world.nodes["physics"]
    node.health, node.stuck_since = "catching_up", world.now
    world.run(9)
    assert world.killed == []
    world.run(3)
    assert [killed for _, killed in world.killed] == ["physics"]


def test_the_clock_is_judged_by_its_own_reports_and_then_nobody_else_is(world: World) -> None:
    world.nodes["clock"].silent_since = world.now
    world.nodes["ui"].silent_since = world.now
    world.run(3)
    assert [killed for _, killed in world.killed] == ["clock"]
    world.run(20)
    assert [killed for _, killed in world.killed] == ["clock", "ui"]


@pytest.mark.parametrize("name", ["clock", *NODES])
def test_a_new_watchdog_finds_what_hung_before_it_came(world: World, name: str) -> None:
    world.nodes[name].silent_since = world.now
    world.restart_watchdog()
    world.run(3.2)
    assert [killed for _, killed in world.killed] == [name]


def test_nobody_is_killed_because_the_clock_was_started_again(world: World) -> None:
    for _ in range(10):
        world.restart("clock")
        world.run(6)
    assert world.killed == []


def test_a_clock_that_was_replaced_does_not_vouch_for_the_new_one(world: World) -> None:
    world.nodes["clock"].silent_since = world.now
    old = report(0, 5, [])
    for _ in range(8):
        world.core.on_status(old, world.now)
        world.run(0.1)
    assert world.core.seq > 5
    world.run(2)
    assert [killed for _, killed in world.killed] == ["clock"]


def test_a_clock_that_begins_anew_with_empty_data_is_believed(world: World) -> None:
    world._epoch = -1
    world.restart("clock")
    world.run(20)
    assert world.killed == []


@pytest.mark.parametrize(("reason", "limit"), [("", 20), (COMPILING, 180)])
def test_a_node_that_says_it_starts_gets_its_time_and_no_more(reason: str, limit: float) -> None:
    core = WatchdogCore(0.0)
    peer = Peer("physics", "pid-7", 7, "so far", 0, 0, 0.1, health="starting", reason=reason)
    killed_at = None
    for step in range(4000):
        now = step * 0.05
        core.look(now)
        core.on_programs([Program("physics", 7, "RUNNING")], now)
        if step % 4 == 0:
            core.on_status(report(1, step, [peer]), now)
        if any(isinstance(action, Kill) for action in core.decide(now)):
            killed_at = now
            break
    assert killed_at is not None
    assert limit < killed_at < limit + 1


def test_s09_a_process_of_another_host_says_nothing_of_the_one_of_the_same_number_here() -> None:
    core = WatchdogCore(0.0, supervisor="here")
    killed: list[str] = []
    for step in range(1200):
        now = step * 0.05
        core.look(now)
        core.on_programs([Program("ui", 7, "RUNNING"), Program("gateway", 8, "RUNNING")], now)
        if step % 4 == 0:
            own = Peer("gateway", "pid-8", 8, "ok", step, 0, 0.1, supervisor="here", health="ok")
            stuck = Peer("gateway", "pid-8", 8, "ok", 1, 0, 30.0, supervisor="there", health="ok")
            stranger = Peer("recorder", "pid-7", 7, "ok", step, 0, 0.1, supervisor="there", health="ok")
            core.on_status(report(1, step, [own, stuck, stranger]), now)
        killed += [action.program for action in core.decide(now) if isinstance(action, Kill)]
    assert set(killed) == {"ui"}, "its silence is not made up for, nor is a living one condemned"


def test_a_node_that_hangs_again_and_again_is_an_alarm_until_it_is_well(world: World) -> None:
    node = world.nodes["ui"]
    node.cursed, node.silent_since = True, world.now
    world.run(120)
    assert len(world.alarms) == 1
    assert world.core.health[::2] == ("alarm", PROGRAMS)
    node.cursed = False
    world.restart("ui")
    world.run(70)
    assert world.core.health == ("ok", "watching 4 programs", "")


@pytest.mark.parametrize("pause", [1.2, 5.0, 3600.0])
def test_nobody_is_killed_after_the_watchdogs_own_pause(world: World, pause: float) -> None:
    world._asleep_until = world.now + pause
    world.now += pause  # everybody slept: nobody beat meanwhile
    world.run(10)
    assert world.killed == []


def test_a_program_given_up_is_started_again_for_ever_with_longer_and_longer_pauses() -> None:
    core = WatchdogCore(0.0)
    starts = []
    for step in range(3600 * 4):
        now = step * 0.25
        core.look(now)
        core.on_programs([Program("ui", 0, "FATAL")], now)
        starts += [now for action in core.decide(now) if action == StartProgram("ui")]
    gaps = [later - sooner for sooner, later in pairwise(starts)]
    assert starts[0] == pytest.approx(0.5)
    assert gaps[:5] == pytest.approx([1, 2, 4, 8, 10])
    assert max(gaps) == pytest.approx(10)
    assert len(starts) > 350


def test_the_pauses_are_short_again_after_a_program_has_lived() -> None:
    core = WatchdogCore(0.0)
    moment = 0.0

    def pass_time(seconds: float, state: str) -> list[float]:
        nonlocal moment
        starts = []
        for _ in range(round(seconds / 0.05)):
            moment += 0.05
            core.look(moment)
            core.on_programs([Program("ui", 0 if state == "FATAL" else 9, state)], moment)
            starts += [moment for action in core.decide(moment) if isinstance(action, StartProgram)]
        return starts

    pass_time(60, "FATAL")
    assert core.health == ("ok", "starting again: ui", PROGRAMS)
    pass_time(20, "RUNNING")
    begin = moment
    assert pass_time(1, "FATAL")[0] - begin == pytest.approx(0.55, abs=0.06)


class Plant(RuleBasedStateMachine):
    """Anything happens to anyone; `World` checks each kill."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(*NODES)

    @rule(name=st.sampled_from(("clock", *NODES)))
    def silence(self, name: str) -> None:
        node = self.world.nodes[name]
        node.silent_since = node.silent_since or self.world.now

    @rule(name=st.sampled_from(NODES))
    def stick(self, name: str) -> None:
        node = self.world.nodes[name]
        node.stuck_since = node.stuck_since or self.world.now

    @rule(name=st.sampled_from(("clock", *NODES)))
    def die(self, name: str) -> None:
        self.world.restart(name)

    @rule(name=st.sampled_from(("clock", *NODES)), startup=st.floats(0.1, 8.0))
    def start_slowly(self, name: str, startup: float) -> None:
        self.world.nodes[name].next_startup = startup

    @rule(seconds=st.floats(1.1, 30.0))
    def sleep(self, seconds: float) -> None:
        self.world.sleep_watchdog(seconds)

    @rule()
    def restart_watchdog(self) -> None:
        self.world.restart_watchdog()

    @rule(seconds=st.floats(0.1, 1.6))
    def stop_clock(self, seconds: float) -> None:
        self.world.sleep_clock(seconds)

    @rule(seconds=st.floats(0.1, 8.0))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule()
    def settle(self) -> None:
        """With time enough for everything, nothing hangs any more, unless it was killed too often."""
        for node in self.world.nodes.values():
            node.next_startup = 0.5
        self.world.run(75)
        given_up = self.world.core.health.detail
        hung = [
            node.name
            for node in self.world.nodes.values()
            if node.hung_for(self.world.now) > 0 and node.name not in given_up
        ]
        assert hung == []


Plant.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestPlant = Plant.TestCase
