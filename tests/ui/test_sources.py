"""Freshness, with a clock that the test moves."""

from ui.sources import LOST_AFTER, STALE_AFTER, MessageRate, freshness


def test_silence_is_stale_after_one_second_and_missing_after_five() -> None:
    assert freshness(None) == "missing", "never heard"
    assert freshness(STALE_AFTER - 0.01) == "live"
    assert freshness(STALE_AFTER) == "stale"
    assert freshness(LOST_AFTER) == "missing"


def test_the_rate_is_of_the_last_second() -> None:
    rate = MessageRate()
    for index in range(200):
        rate.hear(index * 0.01)
    assert rate.rate(2.0) == 99
    assert rate.rate(4.0) == 0
