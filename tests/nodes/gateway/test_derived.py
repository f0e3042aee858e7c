"""Answers that follow from declared messages have their fields, meanings and units, and their values at every depth."""

from typing import Any

import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.messages import (
    Alarm,
    ChannelHistory,
    Event,
    History,
    Lateness,
    Peer,
    RecordedChannel,
    RecordedModule,
    Result,
)
from nodes.gateway.answers import AlarmAnswer, EventAnswer, LatenessAnswer, NodeAnswer
from nodes.gateway.derived import RestAnswer
from nodes.gateway.recording_schemas import (
    ChannelAnswer,
    ChannelHistoryAnswer,
    HistoryAnswer,
    RecordedModuleAnswer,
    ResultAnswer,
)
from tests.bus.samples import sample

DERIVED: list[tuple[type[msgspec.Struct], type[RestAnswer], set[str]]] = [
    (Alarm, AlarmAnswer, set()),
    (ChannelHistory, ChannelHistoryAnswer, set()),
    (Event, EventAnswer, set()),
    (History, HistoryAnswer, {"type"}),
    (Lateness, LatenessAnswer, set()),
    (RecordedChannel, ChannelAnswer, set()),
    (RecordedModule, RecordedModuleAnswer, set()),
    (Result, ResultAnswer, {"violations"}),
]


@pytest.mark.parametrize(("message", "answer", "without"), DERIVED)
def test_what_a_message_says_is_answered_as_it_is(
    message: type[msgspec.Struct], answer: type[RestAnswer], without: set[str]
) -> None:
    said: Any = codec.build(message, sample(message))
    told = {name: value for name, value in msgspec.to_builtins(said).items() if name not in without}
    assert answer.made(said).model_dump(mode="json") == told


def test_meanings_and_units_are_those_of_the_message() -> None:
    found = NodeAnswer.model_json_schema()["properties"]
    assert found["age"]["unit"] == "s"
    assert found["age"]["description"] == "time since its last beat (s)"
    assert "unit" not in found["pid"], "a plain number"
    assert found["behind"]["type"] == "integer", "REST's own"
    assert found.keys().isdisjoint({"gaps", "supervisor", "program"})
    assert {*NodeAnswer.model_json_schema()["required"]} == {*found}


def test_what_an_answer_adds_stands_beside_what_the_message_has() -> None:
    peer: Peer = codec.build(Peer, sample(Peer))
    answer = NodeAnswer.made(peer, health="ok", behind=3).model_dump()
    assert (answer["node"], answer["pid"], answer["health"], answer["behind"]) == (peer.node, peer.pid, "ok", 3)
