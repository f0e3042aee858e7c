"""Programs read what a node reports of itself as a field; the words beside it are for people."""

import ast
from pathlib import Path

import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.health import BEGINNINGS, OK, HealthReport
from bus.protocol.messages import Ack, Beat, Peer, Runs, Status
from bus.protocol.schema import Message
from tests.bus.samples import frame, sample

ROOT = Path(__file__).parents[2]

READERS = sorted(
    path
    for package in ("bus", "catalog", "console", "nodes", "recording", "runtime", "system", "ui")
    for path in (ROOT / package).rglob("*.py")
)

READING = {"startswith", "endswith", "partition", "rpartition", "split", "removeprefix", "match", "fullmatch", "search"}
"""Methods and functions by which a program would read a text."""

WORDS = tuple(beginning.strip() for beginning in BEGINNINGS.values())


@pytest.mark.parametrize("path", READERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_program_reads_the_words_of_a_status(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=value), args=arguments) if name in READING:
                texts = {each.attr for each in (value, *arguments) if isinstance(each, ast.Attribute)}
                assert not texts & {"status", "detail"}, f"line {node.lineno}: read health or reason"
            case ast.Constant(value=str(text)) if text.startswith(WORDS):
                assert path == ROOT / "bus/protocol/health.py", f"line {node.lineno}: {text!r} is said there"


@pytest.mark.parametrize("kind", [Ack, Beat, Peer, Runs])
def test_a_node_of_a_version_without_the_field_is_of_unknown_health(kind: type[Message]) -> None:
    older = {name: value for name, value in sample(kind).items() if name not in {"health", "reason", "clients"}}
    known = codec.decode(msgspec.msgpack.encode(older), kind)
    assert (known.health, known.reason) == ("unknown", "")
    if kind in {Beat, Peer}:
        assert known.clients is None


def test_a_reason_of_a_later_version_is_no_bad_frame() -> None:
    assert codec.decode(frame(Beat, reason="out_of_coffee"), Beat).reason == "out_of_coffee"


def test_the_words_begin_as_they_did_before_there_was_a_field() -> None:
    assert {HealthReport(health, "so").text for health in BEGINNINGS} == {
        "starting: so",
        "catching up: so",
        "behind: so",
        "degraded: so",
        "fault: so",
        "alarm: so",
    }
    assert OK.text == "ok"
    longest = HealthReport("fault", "x" * 1000)
    assert codec.decode(frame(Beat, status=longest.text), Beat).status == longest.text


def test_the_clocks_report_tells_how_each_node_is() -> None:
    peer = sample(Peer) | {"health": "fault", "reason": "damage", "clients": 4}
    report = codec.decode(frame(Status, peers=[peer]), Status)
    assert [(each.health, each.reason, each.clients) for each in report.peers] == [("fault", "damage", 4)]
