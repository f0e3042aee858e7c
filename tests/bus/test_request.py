"""A request and its answer: when what is sent to whom, by a script of times and replies, and over real sockets."""

import asyncio
import threading
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from bus.protocol import codec
from bus.protocol.messages import Frames, FramesRequest, Refused, Sequenced
from bus.transport.request import (
    ExchangeStep,
    Inquiry,
    NotAnsweredError,
    Patience,
    PauseStep,
    ReceiveStep,
    RefusedError,
    SendStep,
    async_request,
    exchange,
    request,
)
from bus.transport.sockets import Server
from tests.bus.conftest import PATIENCE, bound

ONE, OTHER = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2"
Script = list[tuple[ExchangeStep, float, Any]]
"""Steps that are expected, each with the time at which it ends and its outcome."""

MESSAGE = FramesRequest(run="r-1", after=6)


def asked(addresses: Sequence[str] = (ONE,), **changed: Any) -> Inquiry[Sequenced]:
    return Inquiry("the clock", addresses, MESSAGE, codec.decode_clock_reply, Sequenced, **changed)


def sequenced(name: str = "a") -> bytes:
    return codec.encode(Sequenced(id=name, run="r-1", seq=7))


def refused(retry_after: float = 0.0) -> bytes:
    return codec.encode(Refused(id="a", field="run", reason="not now", retry_after=retry_after))


def play(steps: Generator[ExchangeStep, Any, Sequenced], script: Script) -> Sequenced:
    """Carry out steps as scripted: the step that is expected, when it ends, and what its outcome is."""
    step = next(steps)
    for expected, now, outcome in script:
        assert step == expected
        assert type(step) is type(expected)
        try:
            step = steps.send((now, outcome))
        except StopIteration as end:
            answer: Sequenced = end.value
            return answer
    raise AssertionError(f"the script is too short: {step}")


def test_one_attempt_and_its_answer() -> None:
    script: Script = [(SendStep(ONE, 101.0), 100.2, True), (ReceiveStep(ONE, 101.0), 100.3, sequenced())]
    assert play(exchange(asked(), Patience(1.0), 100.0), script).seq == 7


def test_who_does_not_listen_is_given_up_early_and_the_next_one_asked() -> None:
    script: Script = [
        (SendStep(ONE, 0.5), 0.5, False),
        (SendStep(OTHER, 1.0), 0.6, True),
        (ReceiveStep(OTHER, 2.5), 0.7, sequenced()),
    ]
    assert play(exchange(asked([ONE, OTHER]), Patience(2.0, connect=0.5), 0.0), script).id == "a"


def test_each_address_is_asked_as_often_as_said_by_turns() -> None:
    script: Script = []
    for attempt, address in enumerate([ONE, OTHER] * 2):
        script += [
            (SendStep(address, attempt + 1.0), attempt, True),
            (ReceiveStep(address, attempt + 1.0), attempt + 1.0, None),
        ]
    with pytest.raises(NotAnsweredError, match=rf"^the clock at {ONE} and {OTHER} did not answer in 4 s$"):
        play(exchange(asked([ONE, OTHER]), Patience(1.0, attempts=2), 0.0), script)


def test_whether_anybody_listened_is_said() -> None:
    with pytest.raises(NotAnsweredError, match=rf"^the clock at {ONE} did not answer in 0.5 s: is it running\?$"):
        play(exchange(asked(), Patience(2.0, connect=0.5), 0.0), [(SendStep(ONE, 0.5), 0.5, False)])


def test_an_answer_to_something_else_is_overheard() -> None:
    mine = asked(answers=lambda reply: reply.id == "b")
    script: Script = [
        (SendStep(ONE, 1.0), 0.0, True),
        (ReceiveStep(ONE, 1.0), 0.1, sequenced("a")),
        (ReceiveStep(ONE, 1.0), 0.2, sequenced("b")),
    ]
    assert play(exchange(mine, Patience(1.0), 0.0), script).id == "b"


def test_a_reply_of_another_type_is_no_answer() -> None:
    frames = codec.encode(Frames(run="r-1", after=6, through=6, last=6, states=[], events=[], results=[]))
    script: Script = [(SendStep(ONE, 1.0), 0.0, True), (ReceiveStep(ONE, 1.0), 0.1, frames)]
    with pytest.raises(NotAnsweredError, match=f"^the clock at {ONE} gave an unexpected answer: Frames$"):
        play(exchange(asked(), Patience(1.0), 0.0), script)


def test_a_refusal_for_the_moment_is_followed_by_another_request_as_long_as_said() -> None:
    again: Script = [
        (SendStep(ONE, 1.0), 0.0, True),
        (ReceiveStep(ONE, 1.0), 0.1, refused(0.5)),
        (PauseStep(ONE, 0.6), 0.6, None),
        (SendStep(ONE, 1.6), 0.6, True),
    ]
    heard: Script = [*again, (ReceiveStep(ONE, 1.6), 0.7, sequenced())]
    assert play(exchange(asked(), Patience(1.0, refusals=1.0), 0.0), heard).id == "a"
    late: Script = [*again, (ReceiveStep(ONE, 1.6), 0.7, refused(0.5))]
    for patience, script in ((Patience(1.0, refusals=1.0), late), (Patience(1.0), again[:2])):
        with pytest.raises(RefusedError, match=r"^run: not now$"):
            play(exchange(asked(), patience, 0.0), script)


def test_a_reply_that_cannot_be_read_is_told() -> None:
    script: Script = [(SendStep(ONE, 1.0), 0.0, True), (ReceiveStep(ONE, 1.0), 0.1, b"\xc1")]
    with pytest.raises(codec.FrameError):
        play(exchange(asked(), Patience(1.0), 0.0), script)


@pytest.mark.parametrize("shell", ["plain", "asyncio"])
def test_both_shells_ask_again_on_the_same_connection(address: str, shell: str) -> None:
    """The server keeps the first request and answers it, and it alone, during the second attempt."""

    def serve() -> None:
        peers = []
        for _ in range(2):
            received = server.receive(PATIENCE)
            assert received is not None
            assert codec.decode_clock_request(received.payload) == MESSAGE
            peers.append(received.peer)
        server.reply(peers[0], sequenced())

    patience = Patience(0.2, attempts=300)
    with bound(Server, address) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        mine = asked([address])
        answer = request(mine, patience) if shell == "plain" else asyncio.run(async_request(mine, patience))
        thread.join()
    assert answer == Sequenced(id="a", run="r-1", seq=7)


@pytest.mark.parametrize("shell", ["plain", "asyncio"])
def test_both_shells_go_on_to_who_is_there(address: str, shell: str) -> None:
    def serve() -> None:
        received = server.receive(PATIENCE)
        assert received is not None
        server.reply(received.peer, sequenced())

    patience = Patience(PATIENCE, connect=0.05)
    with bound(Server, address) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        mine = asked([ONE, address, address, address])
        answer = request(mine, patience) if shell == "plain" else asyncio.run(async_request(mine, patience))
        thread.join()
    assert answer.id == "a"
