"""Every number of every request at its extremes, on all three sockets that take questions: an answer, and no end."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import msgspec
import msgspec.inspect as mi
import pytest
import structlog

from bus.protocol import codec
from bus.protocol.health import OK
from bus.protocol.messages import ClockRequest, ModuleRequest, RecorderRequest, Refused
from bus.protocol.schema import Message
from bus.security.keys import ANYBODY
from bus.transport.sockets import Request
from catalog.data_folder import DataFolder
from catalog.scenarios import Scenarios
from nodes.clock.app import Shell as ClockShell
from nodes.physics.app import Files, Sockets
from nodes.physics.app import Shell as PhysicsShell
from nodes.recorder.queries import Answers
from nodes.recorder.request_thread import HistoryServer
from tests.bus.catalogue import Path as Place
from tests.bus.catalogue import put, spots
from tests.bus.samples import sample
from tests.nodes.clock.test_recovery import Clocks
from tests.nodes.gateway.recordings import PARENT, write_recordings
from tests.nodes.physics.test_core import SCENARIOS, fold, stream

LOG = structlog.stdlib.get_logger()

KNOWN: dict[str, Any] = {"module": "m1", "channels": ["grid.net_power"], "scenario": "reference"}
"""Names that there are: a question about something that is not there ends early."""


def extremes(kind: mi.Type) -> list[Any]:
    """The smallest and the largest number that a field takes, and those just outside."""
    match kind:
        case mi.IntType(ge=low, le=high):
            assert low is not None
            assert high is not None
            return [low, high, low - 1, high + 1]
        case mi.FloatType(ge=low, gt=above, le=high):
            assert high is not None
            least = float(low if above is None else above)  # type: ignore[arg-type]  # one of the two is there
            return [least, high, math.nextafter(least, -math.inf), math.nextafter(high, math.inf), math.inf, math.nan]
    return []


def questions(cls: type[Message], runs: tuple[str, ...]) -> Iterator[bytes]:
    """Every combination of extremes of the numbers of a request, about each run."""
    base = sample(cls) | {name: value for name, value in KNOWN.items() if name in sample(cls)}
    numbers: dict[Place, list[Any]] = {
        path: extremes(kind) for path, kind in spots(mi.type_info(cls), base) if extremes(kind)
    }
    for run in runs if "run" in base else ("",):
        about = base | ({"run": run} if "run" in base else {})
        for values in itertools.product(*numbers.values()):
            asked = about
            for path, value in zip(numbers, values, strict=True):
                asked = put(asked, path, value)
            yield msgspec.msgpack.encode(asked)


def members(kind: Any) -> list[type[Message]]:
    return list(get_args(kind))


def read(reply: bytes, decode: Any) -> Message:
    """A reply that its asker takes, and that tells of no defect."""
    answer: Message = decode(reply)
    assert not (isinstance(answer, Refused) and "defect" in answer.reason), answer
    return answer


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[ClockShell]:
    """A clock with a run that has ended and a run of some ticks."""
    clocks = Clocks(tmp_path)
    for _ in range(2):
        for _ in range(5):
            clocks.acknowledge(clocks.compose()[0].seq)
        clocks.sequence(clocks.request(f"r{clocks.now_ns}", "clock", "reset", {}))
        for _ in range(5):
            clocks.acknowledge(clocks.compose()[0].seq)
    none = cast(Any, SimpleNamespace(ask=lambda *_: None, reply=lambda *_: None))
    yield ClockShell(clocks.core, clocks.journal, clocks.runs, none, none, none, LOG)
    clocks.runs.close()
    clocks.journal.close()


@pytest.mark.parametrize("cls", members(ClockRequest))
def test_s06_the_clock_answers_whatever_the_numbers(clock: ClockShell, cls: type[Message]) -> None:
    taken = 0
    for payload in questions(cls, ("", "0001-001", "0001-002", "0001-003", "0009-009")):
        reply = clock._answer(Request([b"peer"], payload, ANYBODY))
        if reply is not None:
            taken += not isinstance(read(reply, codec.decode_clock_reply), Refused)
    assert cls.__name__ not in {"ReplayRequest", "FramesRequest"} or taken


@pytest.mark.parametrize("cls", members(ModuleRequest))
def test_s06_a_module_answers_whatever_the_numbers(tmp_path: Path, cls: type[Message]) -> None:
    inbox: list[Request] = []
    replies: list[bytes] = []
    server = SimpleNamespace(
        receive=lambda: inbox.pop() if inbox else None, reply=lambda _peer, payload: replies.append(payload)
    )
    sockets = cast(Sockets, SimpleNamespace(server=server))
    files = Files.open(DataFolder(tmp_path), Scenarios(SCENARIOS), "m1", "a")
    try:
        shell = PhysicsShell("m1", "a", sockets, files, LOG)
        fold(shell._core, stream(20))
        for payload in questions(cls, ("0001-001", "0009-009")):
            inbox.append(Request([b"peer"], payload, ANYBODY))
            shell._serve()
            shell._recompute()
    finally:
        files.writer.stop()
    for reply in replies:
        read(reply, codec.decode_module_reply)


@pytest.mark.parametrize("cls", members(RecorderRequest))
def test_s06_the_recorder_answers_whatever_the_numbers(tmp_path: Path, cls: type[Message]) -> None:
    write_recordings(tmp_path)
    answers = Answers(tmp_path, 10**9, lambda: (OK, frozenset()))
    server = HistoryServer("tcp://127.0.0.1:*", answers, LOG)
    taken = 0
    try:
        for payload in questions(cls, ("", PARENT, "0009-009")):
            reply = server._reply(Request([b"peer"], payload, ANYBODY))
            assert reply is not None
            taken += not isinstance(read(reply, codec.decode_recorder_reply), Refused)
    finally:
        answers.close()
        server._server.close()
    assert taken


def test_s06_the_question_that_ended_the_recorder(tmp_path: Path) -> None:
    write_recordings(tmp_path)
    answers = Answers(tmp_path, 10**9, lambda: (OK, frozenset()))
    server = HistoryServer("tcp://127.0.0.1:*", answers, LOG)
    asked = {"type": "history", "run": "", "module": "m1", "channels": ["grid.net_power"]}
    payload = msgspec.msgpack.encode(asked | {"start": 0, "end": 1e300, "bins": 1})
    reply = server._reply(Request([b"peer"], payload, ANYBODY))
    answers.close()
    server._server.close()
    assert reply is not None
    refused = codec.decode_recorder_reply(reply)
    assert isinstance(refused, Refused)
    assert refused.reason == "Expected `float` <= 1000000000000.0 - at `$.end`"


def test_s06_a_defect_that_a_question_finds_is_told_and_ends_nothing(tmp_path: Path) -> None:
    answers = cast(Answers, SimpleNamespace(answer=lambda _asked: 1 / 0, close=lambda: None))
    server = HistoryServer("tcp://127.0.0.1:*", answers, LOG)
    reply = server._reply(Request([b"peer"], msgspec.msgpack.encode({"type": "runs", "before": ""}), ANYBODY))
    server._server.close()
    assert reply is not None
    refused = codec.decode_recorder_reply(reply)
    assert isinstance(refused, Refused)
    assert "ZeroDivisionError" in refused.reason
