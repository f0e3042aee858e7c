"""How far the recording is behind: what is not on disk counts, what is not published does not."""

import pytest

from bus.protocol import codec
from bus.protocol.messages import Tick
from nodes.recorder.lag import WINDOW, Lag, OnDisk
from tests.bus.samples import sample

RUN = "0001-001"


def tick(seq: int, run: str = RUN, **published: int) -> Tick:
    built = codec.build(Tick, sample(Tick) | {"seq": seq, "run": run, "rate": 100, "published": published})
    assert isinstance(built, Tick)
    return built


def test_s12_behind_counts_what_is_not_on_disk_and_not_what_was_heard() -> None:
    lag = Lag()
    lag.hear(tick(167_000, m1=167_000))
    assert (lag.behind, lag.seq) == (167_000, 0)
    lag.written(OnDisk(RUN, 167_000), {"m1": OnDisk(RUN, 100_000)})
    assert (lag.behind, lag.seq) == (67_000, 100_000)
    lag.written(OnDisk(RUN, 167_000), {"m1": OnDisk(RUN, 167_000)})
    assert (lag.behind, lag.seq) == (0, 167_000)


def test_s12_what_a_module_has_not_published_is_no_lag_of_the_recorder() -> None:
    lag = Lag()
    lag.hear(tick(500, m1=300))
    lag.written(OnDisk(RUN, 500), {"m1": OnDisk(RUN, 300)})
    assert lag.behind == 0


def test_s12_of_a_new_run_nothing_is_on_disk_yet() -> None:
    lag = Lag()
    lag.written(OnDisk(RUN, 900), {"m1": OnDisk(RUN, 900)})
    lag.hear(tick(7, "0001-002", m1=6))
    assert lag.behind == 7


@pytest.mark.parametrize(("per_second", "grows"), [(50, True), (0, False), (-50, False)])
def test_s12_a_lag_that_grows_is_told_from_one_that_is_worked_off(per_second: int, grows: bool) -> None:
    lag = Lag()
    for second in range(round(WINDOW) + 2):
        newest = 10_000 + 100 * second
        lag.hear(tick(newest, m1=newest))
        on_disk = OnDisk(RUN, newest - 5_000 - per_second * second)
        lag.written(on_disk, {"m1": on_disk})
        lag.look(float(second))
    assert lag.long.keys() == {"clock", "m1"}
    assert bool(lag.growing) is grows


def test_s12_whose_lag_grows_is_told_though_another_one_is_longer_and_shrinks() -> None:
    lag = Lag()
    for second in range(round(WINDOW) + 2):
        newest = 10_000 + 100 * second
        lag.hear(tick(newest, m1=newest, m2=newest, m3=newest))
        behind = {"m1": 8_000 - 100 * second, "m2": 500 + 50 * second, "m3": 10}
        lag.written(OnDisk(RUN, newest), {name: OnDisk(RUN, newest - each) for name, each in behind.items()})
        lag.look(float(second))
    assert lag.each == {"clock": 0, "m1": 5_900, "m2": 1_550, "m3": 10}
    assert [*lag.long.items()] == [("m1", 5_900), ("m2", 1_550)]
    assert lag.growing == {"m2": 1_550}
    assert lag.behind == 5_900
