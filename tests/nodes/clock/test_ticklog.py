"""The tick log: what was written is read back whole; what is cut or changed is noticed, and all before it stays."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ordered.tick_log import CHUNK, RunHeader, TickLog, TickLogError, TickRecord, read
from bus.protocol.messages import Command, Mode, Tick

HEADER = RunHeader(
    run="0007-001", epoch=7, number=1, scenario="reference", parameters={"drag_area": 0.3}, mode="stopped",
    speed_milli=1000, flat_out=False, policy="hold",
)  # fmt: skip


def tick(seq: int, dt: float = 0.01, mode: Mode = "running", commands: int = 0, speed: float = 1.0) -> Tick:
    order = Command(id="c", module="m1", name="inject", args={}, origin="test")
    return Tick(
        t=0.0, seq=seq, run="0007-001", wall=0.0, epoch=7, dt=dt, mode=mode, speed=speed, flat_out=False, rate=100,
        held=[], mono_ns=0, leaders={}, published={}, commands=[order] * commands,
    )  # fmt: skip


def expand(records: list[TickRecord]) -> list[tuple[int, int, str, int, int]]:
    """One row a tick."""
    return [
        (span.first + k, span.dt_us, span.mode, commands if k == 0 else 0, span.speed_milli)
        for span, _held, commands in records
        for k in range(span.count)
    ]


kinds = st.tuples(
    st.sampled_from([0.0, 0.01, 0.004]),
    st.sampled_from(["running", "paused", "stopped"]),
    st.sampled_from([0, 0, 0, 2]),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(kinds, min_size=1, max_size=200))
def test_every_tick_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[tuple[float, Mode, int]]
) -> None:
    """Not closed: a killed process does not close either."""
    path = tmp_path_factory.mktemp("log") / "run.ticks"
    log = TickLog.create(path, HEADER)
    for seq, (dt, mode, commands) in enumerate(ticks, 1):
        log.append(tick(seq, dt, mode, commands))
    recorded = read(path)
    assert recorded.header == HEADER
    assert not recorded.damaged
    expected = [(seq, round(dt * 1e6), mode, commands, 1000) for seq, (dt, mode, commands) in enumerate(ticks, 1)]
    assert expand(recorded.records) == expected
    again = TickLog.reopen(path, recorded.end, recorded.records[-1])
    again.append(tick(len(ticks) + 1, 0.01))
    assert expand(read(path).records) == [*expected, (len(ticks) + 1, 10_000, "running", 0, 1000)]
    again.close()
    assert expand(read(path).records) == [*expected, (len(ticks) + 1, 10_000, "running", 0, 1000)]


def test_a_day_of_equal_ticks_needs_one_record(tmp_path: Path) -> None:
    log = TickLog.create(tmp_path / "run.ticks", HEADER)
    for seq in range(1, 20_001):
        log.append(tick(seq))
    recorded = read(tmp_path / "run.ticks")
    assert len(recorded.records) == 1
    assert recorded.records[0].span.count == 20_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int, int]:
    """A log of 40 spans: its bytes, where the records begin and where they end."""
    path = tmp_path_factory.mktemp("log") / "run.ticks"
    log = TickLog.create(path, HEADER)
    for seq in range(1, 41):
        log.append(tick(seq, 0.001 * (seq % 2 + 1)))
    recorded = read(path)
    return path.read_bytes(), recorded.end - 40 * 32, recorded.end


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_bit_is_noticed(
    written: tuple[bytes, int, int], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole, start, end = written
    at, bit = data.draw(st.integers(start, end - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(whole)
    changed[at] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped.ticks"
    path.write_bytes(changed)
    recorded = read(path)
    assert recorded.damaged
    assert len(recorded.records) == (at - start) // 32, "all before it is there"


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_truncation_keeps_what_is_before(
    written: tuple[bytes, int, int], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole, start, end = written
    at = data.draw(st.integers(0, end - 1))
    path = tmp_path_factory.getbasetemp() / "cut.ticks"
    path.write_bytes(whole[:at])
    if at < start:
        # Depending on where the cut is, it is an empty log or none at all.
        found, reason = [], "damaged header"
        try:
            found = read(path).records
        except TickLogError as error:
            reason = str(error)
        assert (found, "damaged header" in reason) == ([], True)
    else:
        assert len(read(path).records) == (at - start) // 32


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """A disk that is full at that size, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_known_before_a_tick_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.ticks"
    log = TickLog.create(path, HEADER)
    size = path.stat().st_size
    full = True

    def fallocate(file: int, offset: int, length: int) -> None:
        if full and offset + length > size:
            raise OSError(28, "No space left on device")
        os.truncate(file, max(os.fstat(file).st_size, offset + length))

    monkeypatch.setattr("os.posix_fallocate", fallocate)
    seq = 0
    while not log.short:
        seq += 1
        log.append(tick(seq, 0.001 * (seq % 2 + 1)))
    room = (size - read(path).end) // 32
    assert 8 <= room <= CHUNK // 32, "there is room left for ticks that advance nothing"
    for _ in range(100):  # held: equal ticks take no more room
        seq += 1
        log.append(tick(seq, 0.0, "running"))
    full = False
    log.look_for_room()
    assert not log.short
    for _ in range(200):
        seq += 1
        log.append(tick(seq, 0.001 * (seq % 2 + 1)))
    assert [row[0] for row in expand(read(path).records)] == list(range(1, seq + 1))


def test_no_room_for_a_new_run_is_an_error_that_says_so(tmp_path: Path) -> None:
    with no_file_larger_than(1024), pytest.raises(TickLogError, match="cannot be begun: File too large"):
        TickLog.create(tmp_path / "run.ticks", HEADER)
    assert list(tmp_path.iterdir()) == [], "nothing is left that would be taken for a run"


def test_what_is_no_tick_log_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.ticks"
    path.write_bytes(b"something else, long enough to hold a header and more" * 10)
    with pytest.raises(TickLogError, match=r"other\.ticks has a damaged header"):
        read(path)
