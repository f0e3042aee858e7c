"""Export: the tools that people use open the files and find the recorded values, units included."""

import csv
import importlib.util
import io
import json
import math
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from mcap.reader import make_reader

from recording.channels import ChannelError, Schema
from recording.cursor import FOREVER_US
from recording.database import StoreError
from recording.export import FORMATS, Export, Format
from recording.folder import RunFolder
from recording.hot import Batch, HotStore
from recording.reading import Reader, Selection
from recording.seal import Sealer
from tests.recording.conftest import DT_US, SCHEMA, make_row, numbers, record

Open = Callable[[], HotStore]
LAST = 2500
FOXGLOVE = Path(__file__).parent / "foxglove" / "bundle.mjs"
"""`@mcap/core`, on which Foxglove is built, behind a small program (see its folder); `npm run build` makes it anew."""


@pytest.fixture
def recorded(open_store: Open, folder: RunFolder) -> RunFolder:
    """Sealed and hot rows."""
    store = open_store()
    with closing(Sealer(folder)) as sealer:
        record(store, 1, 1200)
        sealer.seal("m1", 1, 700)
        sealer.seal("m1", 701, 1200)
    record(store, 1201, LAST)
    return folder


def exported(folder: RunFolder, form: Format, selection: Selection = Selection("m1")) -> bytes:  # noqa: B008 - frozen
    """The whole file."""
    export = Export(folder, selection, form)
    data = b"".join(export)
    assert export.missing == []
    assert export.done <= export.rows
    return data


def test_csv_has_names_with_units_and_every_value(recorded: RunFolder) -> None:
    lines = list(csv.reader(io.StringIO(exported(recorded, "csv").decode())))
    assert lines[0][:6] == ["t [s]", "seq [1]", "grid.power [W]", "grid.cop [1]", "chain.laps [1]", "grid.on"]
    assert [int(line[1]) for line in lines[1:]] == list(range(1, LAST + 1))
    for line in lines[1:]:
        seq = int(line[1])
        power, cop, laps, on, fill, _other = numbers(seq)
        assert float(line[0]) == seq * DT_US / 1e6
        assert (float(line[2]), int(line[4]), line[5], float(line[6])) == (power, laps, "true" if on else "false", fill)
        assert line[3] == "" if math.isnan(cop) else float(line[3]) == cop
    assert lines[100][8:] == ["running", "", '["warning 2"]']


def test_s20_a_reader_that_takes_types_from_the_first_lines_reads_all(recorded: RunFolder) -> None:
    """As polars does: floats are floats from the first cell on, also where they are whole."""
    data = exported(recorded, "csv")
    head, *lines = list(csv.reader(io.StringIO(data.decode())))
    floats = [head.index(name) for name in ("t [s]", "grid.power [W]", "grid.cop [1]", "floaters.fill[0] [1]")]
    for line in lines:
        assert [line[place] for place in floats if not re.fullmatch(r"(-?\d*(\.\d|e).*)?", line[place])] == []
        assert re.fullmatch(r"\d+", line[head.index("chain.laps [1]")])
    assert lines[1][head.index("grid.power [W]")] == "3.0"
    table = pyarrow.csv.read_csv(io.BytesIO(data), read_options=pyarrow.csv.ReadOptions(block_size=4096))
    assert [str(table.schema.field(head[place]).type) for place in floats] == ["double"] * 4
    assert table["grid.power [W]"].to_pylist() == [numbers(seq)[0] for seq in range(1, LAST + 1)]


def test_texts_in_a_csv_are_what_they_were(folder: RunFolder, open_store: Open) -> None:
    odd = 'a "word", a\nline and \u00fcml\u00e4ut'
    row = make_row(1)
    open_store().write(Batch(rows=[row._replace(texts=msgspec.json.encode([odd, None, [odd]]))], schemas=[SCHEMA]))
    _head, line = csv.reader(io.StringIO(exported(folder, "csv").decode(), newline=""))
    assert line[8:] == [odd, "", json.dumps([odd])]


def test_s20_an_mcap_says_what_it_is(recorded: RunFolder) -> None:
    chosen = Selection("m1", ("grid", "plc.state"), 1_000_000, 2_500_000)
    for selection, channels, begin, end in ((chosen, "grid,plc.state", "1", "2.5"), (Selection("m1"), "all", "0", "")):
        (found,) = make_reader(io.BytesIO(exported(recorded, "mcap", selection))).iter_metadata()
        about = {"run": "0001-001", "module": "m1", "channels": channels, "from": begin, "to": end}
        assert found.name == "kpp"
        assert found.metadata.items() >= about.items()
        assert "simulated time" in found.metadata["time"]


def test_parquet_has_units_in_its_columns(recorded: RunFolder) -> None:
    table = pq.read_table(io.BytesIO(exported(recorded, "parquet")))
    assert table.schema.field("grid.power").metadata == {b"unit": b"W", b"meaning": b"power to the grid"}
    assert table.schema.field("t").metadata[b"unit"] == b"s"
    assert table.schema.metadata[b"run"] == b"0001-001"
    assert table["seq"].to_pylist() == list(range(1, LAST + 1))
    assert table["grid.power"].to_pylist() == [numbers(seq)[0] for seq in range(1, LAST + 1)]
    assert table["grid.cop"].null_count == LAST // 3


def test_mcap_is_opened_by_the_public_reader_with_schemas_and_simulated_times(recorded: RunFolder) -> None:
    reader = make_reader(io.BytesIO(exported(recorded, "mcap")), validate_crcs=True)
    summary = reader.get_summary()
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == LAST + LAST // 40
    assert {channel.topic for channel in summary.channels.values()} == {"state/m1/", "event/m1/"}
    for schema in summary.schemas.values():
        assert schema.encoding == "jsonschema"
        assert json.loads(schema.data)["type"] == "object"
    seq, before = 0, 0
    for _schema, channel, message in reader.iter_messages():
        assert channel.message_encoding == "json"
        assert b"NaN" not in message.data
        assert message.log_time == message.publish_time >= before
        before = message.log_time
        body = json.loads(message.data)
        assert message.log_time == body["seq"] * DT_US * 1000
        if channel.topic == "state/m1/":
            seq += 1
            assert (body["seq"], body["t"], body["run"]) == (seq, seq * DT_US / 1e6, "0001-001")
            assert body["floaters"]["fill"] == [seq / 3, -seq / 3]
            assert body["plc"]["state"] == ("running" if seq > 5 else "starting")
            assert ("cop" in body["grid"]) == (seq % 3 != 0), "what does not exist is left out"
    assert seq == LAST


def test_the_schema_of_a_message_says_units_and_describes_every_message(recorded: RunFolder) -> None:
    reader = make_reader(io.BytesIO(exported(recorded, "mcap")))
    summary = reader.get_summary()
    assert summary is not None
    schema = next(json.loads(each.data) for each in summary.schemas.values() if each.name == "kpp.State.m1")
    grid = schema["properties"]["grid"]["properties"]
    assert grid["power"] == {"type": "number", "unit": "W", "description": "power to the grid"}
    assert grid["cop"]["type"] == "number"
    assert grid["on"]["type"] == "boolean"
    assert schema["properties"]["floaters"]["properties"]["fill"]["items"]["unit"] == "1"


def one_type_each(schema: dict[str, Any], name: str = "") -> None:
    """What Foxglove takes of JSON Schema: at each place one type, in words; an object with properties at the top."""
    assert schema["type"] in {"object", "array", "number", "integer", "boolean", "string"}, name
    assert not {"oneOf", "anyOf", "$ref"} & schema.keys(), name
    if schema["type"] == "object":
        for each, field in schema["properties"].items():
            one_type_each(field, f"{name}.{each}")
    elif schema["type"] == "array":
        assert schema["items"]["type"] != "array", name
        one_type_each(schema["items"], f"{name}[]")


def test_mcap_is_opened_by_the_reader_of_foxglove(recorded: RunFolder, tmp_path: Path) -> None:
    """By its index, in the order of time, and from its first byte to its last, with every checksum compared."""
    playwright = importlib.util.find_spec("playwright")  # it brings a Node.js; to find that it need not be loaded
    assert playwright is not None
    assert playwright.origin is not None
    node = str(Path(playwright.origin).parent / "driver" / "node")
    file = tmp_path / "run.mcap"
    file.write_bytes(exported(recorded, "mcap"))
    done = subprocess.run([node, str(FOXGLOVE), str(file)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["header"]["library"] == "kpp-simulator"
    states, events = LAST, LAST // 40
    assert found["indexed"] == {"state/m1/": states, "event/m1/": events}
    count, step = states + events, DT_US * 1000
    chunks = len(found["chunks"])
    assert found["statistics"] == {"messages": count, "chunks": chunks, "start": step, "end": LAST * step}
    assert chunks >= 1
    assert all(chunk["compression"] == "zstd" and chunk["indexed"] > 0 for chunk in found["chunks"])
    kinds = found["kinds"]
    assert kinds["Message"] == count
    assert {"ChunkIndex", "Statistics", "SummaryOffset", "Schema", "Channel", "MessageIndex", "Footer"} <= kinds.keys()
    for channel in found["channels"]:
        assert (channel["encoding"], channel["schema"]["encoding"]) == ("json", "jsonschema")
        one_type_each(channel["schema"]["body"])
    for schema, _channel, message in make_reader(io.BytesIO(file.read_bytes())).iter_messages():
        assert schema is not None
        if message.sequence < 80:
            Draft202012Validator(json.loads(schema.data)).validate(json.loads(message.data))


@pytest.mark.parametrize("form", FORMATS)
def test_a_part_of_channels_and_time(recorded: RunFolder, form: Format) -> None:
    selection = Selection("m1", ("floaters", "plc.state"), 5 * DT_US, 2000 * DT_US)
    data = exported(recorded, form, selection)
    export = Export(recorded, selection, form)
    assert [channel.name for channel in export.channels] == ["floaters.fill[0]", "floaters.fill[1]", "plc.state"]
    list(export)
    assert export.done == 1995
    assert len(data) < len(exported(recorded, form))


def test_reading_goes_on_while_rows_are_sealed(recorded: RunFolder) -> None:
    reader = Reader(recorded, Selection("m1"))
    seqs: list[int] = []
    with closing(Sealer(recorded)) as sealer:
        for part, table in enumerate(reader.tables()):
            seqs += table["seq"].to_pylist()
            if part == 0:
                sealer.seal("m1", 1201, 1900)
    assert seqs == list(range(1, LAST + 1))
    assert reader.missing == []


def test_a_damaged_segment_is_left_out_and_told(recorded: RunFolder) -> None:
    path = recorded.segments()[0]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    export = Export(recorded, Selection("m1"), "csv")
    lines = b"".join(export).splitlines()
    assert len(lines) == 1 + LAST - 700
    assert export.missing == [f"ticks 1 to 700 of m1: {path.name} does not match its SHA-256"]


def test_what_is_not_there_is_named(recorded: RunFolder) -> None:
    with pytest.raises(ChannelError, match="grid has"):
        Export(recorded, Selection("m1", ("grid.pover",)), "csv")
    with pytest.raises(StoreError, match="there are m1"):
        Export(recorded, Selection("m2"), "csv")
    assert Selection("m1").end_us == FOREVER_US


def test_of_a_module_that_nothing_is_recorded_of_there_are_no_channels_and_it_is_said() -> None:
    assert Schema(()).select(None) == ()
    with pytest.raises(ChannelError, match="nothing is recorded yet"):
        Schema(()).select(["chain"])
