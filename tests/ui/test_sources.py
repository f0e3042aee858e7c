"""Freshness, with a clock that the test moves."""

from ui.sources import LOST_AFTER, STALE_AFTER, Source, freshness


def test_silence_is_stale_after_one_second_and_missing_after_five() -> None:
    source = Source()
    assert freshness(source.age(10.0)) == "missing", "never heard"
    source.hear(10.0)
    assert freshness(source.age(10.0 + STALE_AFTER - 0.01)) == "live"
    assert freshness(source.age(10.0 + STALE_AFTER)) == "stale"
    assert freshness(source.age(10.0 + LOST_AFTER)) == "missing"
    source.hear(20.0)
    assert freshness(source.age(20.1)) == "live"


def test_the_rate_is_of_the_last_second() -> None:
    source = Source()
    for index in range(200):
        source.hear(index * 0.01)
    assert source.rate(2.0) == 99
    assert source.rate(4.0) == 0
