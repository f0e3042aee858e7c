"""How often a question is put to a producer that does not answer, in virtual time."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from bus.ordered.stream import TickStream
from bus.protocol import codec
from bus.protocol.messages import Replay, Tick
from bus.transport import repair
from bus.transport.repair import PATIENCE_MAX, RETRY_INTERVAL, Repairer
from tests.bus.samples import sample


class Slow:
    """A socket of a producer; answers what is put into `answers`."""

    questions = 0
    answers: ClassVar[list[bytes]] = []

    def __init__(self, _address: str) -> None:
        pass

    def send(self, _payload: bytes) -> bool:
        Slow.questions += 1
        return True

    def receive(self) -> bytes | None:
        return Slow.answers.pop() if Slow.answers else None

    def close(self) -> None:
        pass


class Gone(Slow):
    """A socket that reaches only the second of two producers."""

    opened: ClassVar[list[str]] = []

    def __init__(self, address: str) -> None:
        self._address = address
        Gone.opened.append(address)

    def send(self, payload: bytes) -> bool:
        return self._address == "second" and super().send(payload)


def tick(seq: int) -> Tick:
    made: Tick = codec.build(Tick, sample(Tick) | {"run": "r", "seq": seq, "epoch": 1, "commands": []})
    return made


def test_a_producer_that_is_slow_is_asked_less_and_less_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(repair, "Dealer", Slow)
    monkeypatch.setattr(repair, "time", SimpleNamespace(monotonic=lambda: now[0]))
    stream = TickStream()
    repairer = Repairer(stream, ["nowhere"], codec.decode_clock_reply)

    def asked(through: float) -> list[float]:
        """When it asks until then."""
        found = []
        while now[0] < through:
            before = Slow.questions
            repairer.work()
            found += [round(now[0], 2)] * (Slow.questions - before)
            now[0] += 0.01
        return found

    stream.on(tick(1))
    stream.on(tick(3))
    times = asked(6.0)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[:2] == pytest.approx([RETRY_INTERVAL, 2 * RETRY_INTERVAL], abs=0.02)
    assert pauses[2:] == pytest.approx([PATIENCE_MAX] * len(pauses[2:]), abs=0.02)
    fields: dict[str, Any] = sample(Replay) | {"run": "r", "epoch": 1, "last": 3, "spans": []}
    Slow.answers.append(codec.encode(codec.build(Replay, fields)))
    begun = now[0]
    assert asked(begun + 1.0)[:2] == pytest.approx([begun, begun + RETRY_INTERVAL], abs=0.03)


def test_an_instance_that_is_not_there_is_left_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(repair, "Dealer", Gone)
    monkeypatch.setattr(repair, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Gone, "opened", [])
    monkeypatch.setattr(Slow, "questions", 0)
    stream = TickStream()
    repairer = Repairer(stream, ["first", "second"], codec.decode_clock_reply)
    stream.on(tick(1))
    stream.on(tick(3))
    while not Slow.questions:
        repairer.work()
        now[0] += 0.01
        assert now[0] < PATIENCE_MAX + 0.1
    assert Gone.opened == ["first", "second"], "no socket more than it takes"
