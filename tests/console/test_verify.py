"""Verification: a run computes to what is recorded, and whatever was changed is found and named."""

import json
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Command, State
from catalog.scenarios import Scenarios
from console.main import main
from console.proofs import DIFFERENT
from console.verify import (
    ModuleComparison,
    VerifyError,
    computed,
    journal_differences,
    recorded_modules,
    recorded_spans,
    verify_module,
)
from kpp_physics.parameters import Parameters
from nodes.clock.journal import Journal
from nodes.recorder.core import Intake
from recording.bundle import INDEX
from recording.folder import RunFolder, make_folder
from recording.hot import HotStore
from recording.record import Row, pack_row, unpack_row
from recording.rows import run_rows
from recording.seal import Sealer

RUN = "0001-001"


def command(name: str, module: str = "m1", origin: str = "test", **args: Any) -> Command:
    """A command as it rides in a tick."""
    return Command(f"id-{name}", module, name, args, origin)


SPANS = [
    TickSpan(1, 1, 0, 0, "stopped", (command("begin", "*", "clock", scenario="reference", parameters={}),)),
    TickSpan(2, 60, 0, 10_000, "running", ()),
    TickSpan(62, 40, 600_000, 10_000, "running", (command("set_parameters", drag_area=0.3),)),
    TickSpan(102, 20, 1_000_000, 0, "paused", ()),
]


def reference(_name: str) -> Parameters:
    """The parameters of the run."""
    return Scenarios.at_hand().read("reference")


@pytest.fixture
def recorded(tmp_path: Path) -> RunFolder:
    """A real run of the plant, half of it sealed."""
    folder = make_folder(tmp_path / "recordings", RUN)
    intake = Intake()
    for state in computed(RUN, "m1", SPANS, reference):
        intake.take(state)
    batch = intake.batches()[RUN]
    batch.ticks = list(SPANS)
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        store.write(batch)
        sealer.seal("m1", 1, 70)
    return folder


def verdict(folder: RunFolder, read: Callable[[str], Parameters] = reference) -> ModuleComparison:
    """Compare, without a bar."""
    return verify_module(folder, "m1", read, lambda _done, _total: None)


def test_a_run_computes_to_what_is_recorded(recorded: RunFolder) -> None:
    assert recorded_modules(recorded) == ["m1"]
    found = verdict(recorded)
    assert (found.compared, found.different, found.missing, found.verified) == (121, 0, [], True)
    last = list(computed(RUN, "m1", SPANS, reference))[-1]
    assert isinstance(last, State)
    assert found.digest == last.digest


def test_one_changed_value_is_found_and_named(recorded: RunFolder) -> None:
    with closing(HotStore(recorded.hot)) as store:
        key, record = store.connection.execute("SELECT key, record FROM rows ORDER BY key DESC LIMIT 1").fetchone()
        row = unpack_row(record)
        value = struct.unpack("<d", row.numbers[:8])[0]
        forged = row._replace(numbers=struct.pack("<d", value + 1e-9) + row.numbers[8:])
        store.connection.execute("UPDATE rows SET record = ? WHERE key = ?", (pack_row(forged), key))
    found = verdict(recorded)
    assert (found.compared, found.different, found.verified) == (120, 1, False)
    assert found.differences[0].seq == 121
    assert "differs" in found.differences[0].what


def test_other_parameters_give_other_digests(recorded: RunFolder) -> None:
    found = verdict(recorded, lambda name: reference(name).with_changes({"ambient_pressure": 100_000.0}))
    assert found.different > 50
    assert len(found.differences) == 20
    assert "digest" in found.differences[0].what


def test_missing_rows_and_missing_ticks_are_named(recorded: RunFolder) -> None:
    (path,) = recorded.segments()
    path.write_bytes(path.read_bytes()[:-5])
    found = verdict(recorded)
    assert [(each.first, each.last) for each in found.missing] == [(1, 70)]
    assert not found.verified
    assert found.compared == 51
    with closing(HotStore(recorded.hot)) as store:
        store.connection.execute("DELETE FROM ticks WHERE first = 2")
    with pytest.raises(VerifyError, match="ticks 2 to 61 are not recorded"):
        recorded_spans(recorded)


def test_the_journal_and_the_recorded_ticks_have_the_same_commands() -> None:
    assert journal_differences(SPANS, [(62, "id-set_parameters"), (500, "later")]) == []
    (missing,) = journal_differences(SPANS, [(62, "id-set_parameters"), (70, "lost")])
    assert missing == (70, "command lost is in the journal only")
    (extra,) = journal_differences(SPANS, [])
    assert extra == (62, "command id-set_parameters is not in the journal")


@pytest.fixture
def bundle(recorded: RunFolder, tmp_path: Path) -> Path:
    """The run as one file."""
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        journal.next_epoch(0.0)
        journal.append(command("set_parameters", drag_area=0.3), RUN, 62)
    path = tmp_path / "run.kpp"
    assert main(["bundle", RUN, "--data", str(tmp_path), "-o", str(path)]) == 0
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a bundle with another index."""
    other = path.with_name("other.kpp")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        about = json.loads(source.read(INDEX))
        change(about)
        target.writestr(INDEX, json.dumps(about))
        for name in source.namelist():
            if name != INDEX:
                target.writestr(name, source.read(name))
    return other


def test_a_bundle_is_verified_as_what_was_computed(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(bundle)]) == 0
    assert "m1: 121 ticks verified" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: about["digests"]["m1"].update(last="f" * 16), "the bundle says digest ffffffffffffffff"),
        (lambda about: about["digests"]["m1"].update(sha256="0" * 64), "0000000000000000 of ticks 1 to 121"),
        (lambda about: about["digests"]["m1"].update(ticks=[[1, 9999]]), "of ticks 1 to 9999"),
        (lambda about: about["digests"].clear(), "the bundle says nothing"),
        (lambda about: about["digests"].update(m2=about["digests"]["m1"]), "m2: NOT verified"),
    ],
)
def test_s15_a_forged_digest_does_not_verify(
    bundle: Path, change: Callable[[dict[str, Any]], object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(changed(bundle, change))]) == DIFFERENT
    found = capsys.readouterr().out
    assert said in found
    assert "NOT verified" in found


def test_s15_a_row_with_a_forged_checksum_does_not_verify(recorded: RunFolder) -> None:
    """Four bytes of a row can be chosen so that its checksum is the one that was recorded."""
    row = next(row for row in run_rows(recorded, "m1", 80) if isinstance(row, Row))
    forged = row._replace(numbers=with_checksum(row, struct.pack("<d", 1.0)))
    assert forged.content == row.content
    assert forged.numbers != row.numbers
    with closing(HotStore(recorded.hot)) as store:
        store.connection.execute("UPDATE rows SET record = ? WHERE key & 0xFFFFFF = 80", (pack_row(forged),))
    assert [each.seq for each in verdict(recorded).differences] == [80]


def with_checksum(row: Row, head: bytes) -> bytes:
    """Numbers that begin with `head` and leave the row's checksum as it is: its bits depend on each bit alone."""
    base = bytearray(head + row.numbers[8:])

    def crc(numbers: bytes) -> int:
        return row._replace(numbers=numbers).content

    def flipped(bit: int) -> bytes:
        numbers = bytearray(base)
        numbers[-4 + bit // 8] ^= 1 << bit % 8
        return bytes(numbers)

    wanted, effects = crc(bytes(base)) ^ row.content, [crc(flipped(bit)) ^ crc(bytes(base)) for bit in range(32)]
    chosen, pivots = 0, list[tuple[int, int]]()
    for bit, effect in enumerate(effects):  # Gauss over bits: (effect, which bits make it)
        made = 1 << bit
        for pivot, pivot_made in pivots:
            if effect ^ pivot < effect:
                effect, made = effect ^ pivot, made ^ pivot_made  # noqa: PLW2901 - reduced step by step
        if effect:
            pivots.append((effect, made))
            pivots.sort(reverse=True)
    for pivot, pivot_made in pivots:
        if wanted ^ pivot < wanted:
            wanted, chosen = wanted ^ pivot, chosen ^ pivot_made
    for bit in range(32):
        if chosen >> bit & 1:
            base[-4 + bit // 8] ^= 1 << bit % 8
    return bytes(base)
