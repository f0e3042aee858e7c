"""History: the same statistics as by hand, wherever the rows lie, while they are recorded, sealed and dropped."""

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.channels import ChannelError
from recording.folder import RunFolder, make_folder
from recording.history import MAX_BINS, BinnedHistory, History, Query, QueryError
from recording.hot import HotStore
from recording.seal import MERGED, Sealer
from tests.recording.conftest import DT_US, numbers, record

Open = Callable[[], HotStore]
LAST = 3333
CHANNELS = ("grid.power", "grid.cop", "chain.laps", "grid.on")
PLACES = (0, 1, 2, 3)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A recording with joined tiers, single ones, and hot rows."""
    folder = make_folder(tmp_path_factory.mktemp("history"), "0001-001")
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        for part in range(MERGED + 2):
            record(store, part * 177 + 1, part * 177 + 177)
            sealer.seal("m1", 1, part * 177 + 177)
            sealer.merge("m1")
        record(store, (MERGED + 2) * 177 + 1, LAST)
        with closing(History(folder)) as opened:
            yield opened


def by_hand(answer: BinnedHistory, query: Query) -> None:
    """Compare with statistics made of the formula of the plant."""
    rows: dict[int, list[tuple[float, ...]]] = {}
    for seq in range(1, LAST + 1):
        number = (seq * DT_US - answer.start_us) // answer.width_us
        if answer.start_us <= seq * DT_US and number < -(-(query.end_us - answer.start_us) // answer.width_us):
            rows.setdefault(number, []).append(numbers(seq))
    assert answer.bins.number.tolist() == sorted(rows)
    for line, number in enumerate(answer.bins.number):
        values = np.array(rows[int(number)])
        for column, place in enumerate(PLACES):
            there = values[~np.isnan(values[:, place]), place]
            assert answer.bins.samples[line, column] == len(there)
            if len(there):
                assert answer.bins.minimum[line, column] == there.min()
                assert answer.bins.maximum[line, column] == there.max()
                assert answer.bins.mean[line, column] == pytest.approx(there.mean(), rel=1e-12, abs=1e-12)
            else:
                assert np.isnan(answer.bins.mean[line, column])


@given(st.integers(0, 33_000_000), st.integers(1, 40_000_000), st.integers(1, 400))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_query_gives_the_statistics_of_the_rows(
    history: History, start_us: int, length_us: int, bins: int
) -> None:
    query = Query("m1", CHANNELS, start_us, start_us + length_us, bins)
    answer = history.query(query)
    assert len(answer.bins.number) <= bins + 1
    assert answer.lost == 0
    by_hand(answer, query)


def test_bins_of_a_second_and_more_come_from_the_tier_and_finer_ones_from_the_full_rate(history: History) -> None:
    coarse = history.query(Query("m1", CHANNELS, 0, 34_000_000, 34))
    fine = history.query(Query("m1", CHANNELS, 0, 34_000_000, 340))
    assert (coarse.width_us, fine.width_us) == (1_000_000, 100_000)
    assert coarse.bins.samples.sum() == fine.bins.samples.sum()
    assert coarse.t[:3].tolist() == [0.0, 1.0, 2.0]


def test_what_is_recorded_meanwhile_is_in_the_next_answer(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 100)
    query = Query("m1", ("grid.power",), 0, 10_000_000, 1000)
    with closing(History(folder)) as history, closing(Sealer(folder)) as sealer:
        assert history.extent("m1") == (DT_US, 100 * DT_US)
        assert history.query(query).bins.samples.sum() == 100
        record(store, 101, 150)
        assert history.query(query).bins.samples.sum() == 150
        sealer.seal("m1", 1, 120)
        assert history.query(query).bins.samples.sum() == 150
        assert history.extent("m1") == (DT_US, 150 * DT_US)
        assert history.modules() == ["m1"]


def test_a_bad_query_names_the_field_and_the_limit(history: History) -> None:
    good = Query("m1", CHANNELS, 0, 1_000_000, 10)
    for bad, field, text in (
        (good._replace(bins=0), "bins", f"1 to {MAX_BINS}"),
        (good._replace(bins=MAX_BINS + 1), "bins", f"1 to {MAX_BINS}"),
        (good._replace(start_us=-1), "start", "from 0 s"),
        (good._replace(end_us=0), "start", "before the end"),
        (good._replace(channels=()), "channels", "1 to"),
        (good._replace(module="m9"), "module", "there are m1"),
    ):
        with pytest.raises(QueryError, match=text) as caught:
            history.query(bad)
        assert caught.value.field == field
    for channel, reason in (("grid.pover", "grid has"), ("grid", "is a group"), ("plc.state", "holds text")):
        with pytest.raises(ChannelError, match=reason):
            history.query(good._replace(channels=(channel,)))
