"""Verification: a run computes to what is recorded, and whatever was changed is found and named."""

import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bus.messages import State
from console.verify import (
    Verdict,
    VerifyError,
    computed,
    journal_differences,
    recorded_modules,
    recorded_spans,
    verify_module,
)
from kpp_physics.parameters import Parameters
from nodes.recorder.intake import Intake
from recording.folder import RunFolder, make_folder
from recording.hot import HotStore
from recording.record import pack_row, unpack_row
from recording.seal import Sealer
from recording.ticks import Span
from studies import library

RUN = "0001-001"


def command(name: str, module: str = "m1", origin: str = "test", **args: Any) -> dict[str, Any]:
    """A command as it rides in a tick."""
    return {"id": f"id-{name}", "module": module, "name": name, "args": args, "origin": origin}


SPANS = [
    Span(1, 1, 0, 0, "stopped", [command("begin", "*", "clock", scenario="reference", parameters={})]),
    Span(2, 60, 0, 10_000, "running", []),
    Span(62, 40, 600_000, 10_000, "running", [command("set_parameters", drag_area=0.3)]),
    Span(102, 20, 1_000_000, 0, "paused", []),
]


def reference(_name: str) -> Parameters:
    """The parameters of the run."""
    return library.named("reference")


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


def verdict(folder: RunFolder, read: Callable[[str], Parameters] = reference) -> Verdict:
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
    assert missing == (70, "command lost is in the journal alone")
    (extra,) = journal_differences(SPANS, [])
    assert extra == (62, "command id-set_parameters is not in the journal")
