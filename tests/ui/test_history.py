"""The ring of samples: means over simulated time, never the same time twice, readers by running number."""

import numpy as np
import pytest

from ui.trend_buffer import SampleHistory


def filled(count: int, capacity: int = 100, dt: float = 0.05) -> SampleHistory:
    history = SampleHistory(1, capacity)
    for index in range(1, count + 1):
        history.add(index * dt, (float(index),), index * dt)
    return history


def test_five_ticks_at_real_time_make_one_mean() -> None:
    history = SampleHistory(2)
    for index in range(1, 12):
        history.add(index * 0.01, (float(index), 1.0), index * 0.01)
    samples = history.since(0)
    np.testing.assert_allclose(samples.t, [0.01, 0.06, 0.11])
    np.testing.assert_allclose(samples.values[:, 0], [1.0, 4.0, 9.0])
    np.testing.assert_allclose(samples.values[:, 1], 1.0)


def test_slow_motion_still_gives_twenty_samples_a_second() -> None:
    history = SampleHistory(1)
    for index in range(100):  # one second of wall time at a tenth of real time
        history.add(index * 0.001, (0.0,), index * 0.01)
    assert history.end == pytest.approx(20, abs=1)


def test_time_that_stands_still_or_goes_back_adds_nothing() -> None:
    history = filled(4)
    history.add(0.2, (9.0,), 50.0)
    history.add(0.1, (9.0,), 51.0)
    assert history.end == 4


def test_a_reader_gets_what_follows_and_no_more_than_is_kept() -> None:
    history = filled(25, capacity=10)
    assert history.since(25).values.tolist() == []
    assert history.since(23).values[:, 0].tolist() == [24.0, 25.0]
    old = history.since(0)
    assert old.first == 15
    assert old.values[:, 0].tolist() == [float(number) for number in range(16, 26)]
    assert history.since(99).values.tolist() == []
