"""Freshness and gaps, with a clock that the test moves."""

from ui.sources import LOST_AFTER, STALE_AFTER, Gaps, Source, freshness


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


def test_missing_numbers_are_counted_per_topic() -> None:
    gaps = Gaps()
    assert [gaps.check("tick", "r1", seq) for seq in (5, 6, 9)] == [0, 0, 2]
    assert gaps.check("state/m1/", "r1", 40) == 0
    assert gaps.lost == 2


def test_a_new_run_and_a_restarted_node_are_no_gaps() -> None:
    gaps = Gaps()
    gaps.check("tick", "r1", 100)
    assert gaps.check("tick", "r2", 1) == 0
    assert gaps.check("tick", "r2", 2) == 0
    gaps.check("state/m1/", "r2", 500)
    assert gaps.check("state/m1/", "r2", 1) == 0, "it works off the run again"
    assert gaps.check("state/m1/", "r2", 2) == 0
    assert gaps.lost == 0
