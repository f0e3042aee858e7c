"""The dashboard's feed over real sockets: what was lost on the way is had again, and what cannot be had is counted."""

from collections.abc import Iterator

import pytest

from bus.protocol.endpoints import Endpoints
from tests.ui.synthetic_plant import SyntheticPlant, free_endpoints
from tests.watching import eventually
from ui.feed import Feed


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[SyntheticPlant, Feed]]:
    environ = free_endpoints()
    feed = Feed(Endpoints.from_environment(environ))
    with SyntheticPlant(environ) as plant:
        plant.renew()
        feed.start()
        eventually(lambda: _seq(feed) > 0, 10, "the feed hears the plant")
        yield plant, feed


def _seq(feed: Feed) -> int:
    with feed.lock:
        state = feed.plant.state("m1")
        return 0 if state is None else state.seq


def test_lost_ticks_and_states_are_had_again(heard: tuple[SyntheticPlant, Feed]) -> None:
    plant, feed = heard
    streams, before = feed.plant.streams, feed.plant.streams.repaired
    plant.wishes.lose = 5
    eventually(lambda: streams.repaired == before + 10, 10, "five ticks and five states came when asked for")
    assert streams.lost == 0
    with feed.lock:
        times = feed.plant.plots["m1"].history.since(0).t
    assert max(times[1:] - times[:-1]) < 0.1, "nothing is missing in what is plotted"


def test_what_cannot_be_had_is_counted_and_the_display_goes_on(heard: tuple[SyntheticPlant, Feed]) -> None:
    plant, feed = heard
    plant.wishes.answers_past = False
    plant.wishes.lose = 5
    streams = feed.plant.streams
    eventually(lambda: streams.lost == 10, 10, "five ticks and five states are lost")
    seq = _seq(feed)
    eventually(lambda: _seq(feed) > seq, 10, "newer states are shown")
    plant.wishes.answers_past = True


def test_a_producer_that_answers_nothing_does_not_hold_the_display_up(heard: tuple[SyntheticPlant, Feed]) -> None:
    plant, feed = heard
    lost = feed.plant.streams.lost
    plant.wishes.silent = True
    plant.wishes.lose = 5
    eventually(lambda: feed.plant.streams.lost >= lost + 5, 10, "the feed goes on without them")
    seq = _seq(feed)
    eventually(lambda: _seq(feed) > seq, 10, "newer states are shown")
    plant.wishes.silent = False


def test_another_run_is_followed(heard: tuple[SyntheticPlant, Feed]) -> None:
    plant, feed = heard
    for _ in range(2):
        plant.new_run()
        run = plant.run
        eventually(lambda run=run: _run(feed) == run, 10, "the new run is shown")  # type: ignore[misc]


def _run(feed: Feed) -> str:
    with feed.lock:
        state = feed.plant.state("m1")
        return "" if state is None else state.run
