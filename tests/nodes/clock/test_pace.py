"""Simulated time and deadlines: integers that never drift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.messages import STEP_US
from nodes.clock.pace import Pace, Schedule, Speed

RATES = st.integers(10, 1000)
SPEEDS = st.integers(100, 100_000).map(Speed)


@given(rate=RATES, speed=SPEEDS, ticks=st.integers(1, 3000))
def test_simulated_time_is_whole_steps_and_never_a_step_off(rate: int, speed: Speed, ticks: int) -> None:
    pace = Pace(rate)
    advances = [pace.advance(speed) for _ in range(ticks)]
    assert all(advance % STEP_US == 0 for advance in advances)
    exact = ticks * speed.milli * 1000 / rate
    assert 0 <= exact - sum(advances) < STEP_US


@pytest.mark.parametrize("factor", [0.0999, 0.0, -1.0, 100.001, float("inf")])
def test_speed_has_limits(factor: float) -> None:
    with pytest.raises(ValueError, match=r"outside 0\.1 to 100"):
        Speed.of(factor)


@given(rate=RATES, origin=st.integers(0, 10**15), ticks=st.integers(1, 10_000))
def test_deadlines_are_absolute(rate: int, origin: int, ticks: int) -> None:
    schedule = Schedule(rate, origin)
    for _ in range(min(ticks, 50)):
        assert schedule.step(schedule.deadline_ns) == 0
    steps = min(ticks, 50) + 1
    assert schedule.deadline_ns == origin + steps * 1_000_000_000 // rate


@given(rate=RATES, late=st.integers(0, 10**10))
def test_a_late_tick_is_followed_by_the_next_deadline_to_come_and_no_burst(rate: int, late: int) -> None:
    schedule = Schedule(rate, 0)
    now = schedule.deadline_ns + late
    left_out = schedule.step(now)
    assert now <= schedule.deadline_ns <= now + 1_000_000_000 // rate + 1
    assert schedule.deadline_ns == (left_out + 2) * 1_000_000_000 // rate
