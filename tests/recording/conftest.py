"""A recording of a small, made-up plant: every value is a function of its tick, so that any reader can be checked."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bus.ordered.tick_span import TickSpan
from recording.channels import Channel, Schema
from recording.folder import RunFolder, make_folder
from recording.hot import Batch, HotStore
from recording.notes import Note
from recording.record import Row

SCHEMA = Schema(
    (
        Channel("grid.power", "float", "W", "power to the grid"),
        Channel("grid.cop", "float", "1", "null on every third tick", nullable=True),
        Channel("chain.laps", "int", "1", "laps so far"),
        Channel("grid.on", "flag", "", "breaker closed"),
        Channel("floaters.fill[0]", "float", "1", "air in floater 0"),
        Channel("floaters.fill[1]", "float", "1", "air in floater 1"),
        Channel("plc.state", "text", "", "state"),
        Channel("plc.trip", "text", "", "cause, null when none", nullable=True),
        Channel("plc.warnings", "texts", "", "warnings"),
    )
)
DT_US = 10_000


def numbers(seq: int) -> tuple[float, ...]:
    """What the plant shows at a tick."""
    cop = float("nan") if seq % 3 == 0 else seq / 7
    return (seq * 1.5, cop, float(seq // 10), float(seq % 2), seq / 3, -seq / 3)


def make_row(seq: int, *, wall: float = 0.0, instance: str = "a", module: str = "m1", shift: float = 0.0) -> Row:
    """The row of a tick."""
    state = "running" if seq > 5 else "starting"
    texts = [state, None, [f"warning {seq // 50}"] if seq >= 50 else []]
    values = struct.pack("<6d", *(value + shift for value in numbers(seq)))
    digest = seq * 0x9E3779B97F4A7C15 % (1 << 64)
    return Row(module, seq, seq * DT_US, SCHEMA.key, digest, values, msgspec.json.encode(texts), wall, instance)


def make_note(seq: int, text: str = "tripped") -> Note:
    """An event of a tick."""
    body = {"t": seq * DT_US / 1e6, "seq": seq, "module": "m1", "kind": "plc_state", "text": text}
    return Note("m1", seq, seq * DT_US, "event", text, body, wall=float(seq))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """The folder of a run."""
    return make_folder(tmp_path / "recordings", "0001-001")


@pytest.fixture
def open_store(folder: RunFolder) -> Iterator[Callable[[], HotStore]]:
    """Opens the hot store of the run, any number of times."""
    opened: list[HotStore] = []

    def make() -> HotStore:
        opened.append(HotStore(folder.hot))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def record(store: HotStore, first: int, last: int) -> None:
    """Record ticks, states and now and then an event."""
    for start in range(first, last + 1, 100):
        seqs = range(start, min(last, start + 99) + 1)
        store.write(
            Batch(
                rows=[make_row(seq) for seq in seqs],
                notes=[make_note(seq) for seq in seqs if seq % 40 == 0],
                ticks=[TickSpan(seqs[0], len(seqs), (seqs[0] - 1) * DT_US, DT_US, "running", ())],
                schemas=[SCHEMA],
            )
        )
