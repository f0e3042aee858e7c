"""One request to a ROUTER and its answer: the only way to ask for something and to wait for it.

`exchange` decides what to send, to whom, how long to wait and when to give up; it touches no socket and no clock.
`request` and `async_request` carry its steps out, for a plain program and for an asyncio loop. Requests that a main
loop puts without waiting (what a stream missed, a node's beats) are none of these: see `bus.transport.repair`.
"""

import asyncio
import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from bus.protocol import codec
from bus.protocol.messages import Refused
from bus.protocol.schema import Message
from bus.transport.sockets import AsyncDealer, Dealer

R = TypeVar("R", bound=Message)
D = TypeVar("D", Dealer, AsyncDealer)


class NotAnsweredError(TimeoutError):
    """No answer in time. A command may or may not act: ask again with the same id."""


class RefusedError(ValueError):
    """The request was not accepted; nothing was done."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.field}: {refused.reason}" if refused.field else refused.reason)
        self.refused = refused


@dataclass(frozen=True)
class Patience:
    """How long an answer is waited for.

    Args:
        answer: time of one attempt, from connecting to the answer (s).
        connect: part of it after which an address on which nobody listens is given up (s).
        attempts: how often each address is asked. A request that is sent more than once has to have an id of its own,
            or to change nothing.
        refusals: time since the beginning in which a refusal for the moment (`retry_after`) is followed by another
            request (s); it counts as no attempt.
    """

    answer: float
    connect: float = math.inf
    attempts: int = 1
    refusals: float = 0.0


@dataclass(frozen=True)
class Inquiry(Generic[R]):
    """What is asked, of whom, and which answer counts.

    Args:
        whom: name of who is asked, for messages to people ("the clock").
        addresses: request sockets of those who can answer, asked by turns.
        message: the request.
        decode: decoder of the replies.
        kind: type of the answer. A reply of another type ends the request, a refusal with its reason.
        answers: whether a reply of that type belongs to this request; others are overheard.
    """

    whom: str
    addresses: Sequence[str]
    message: Message
    decode: Callable[[bytes], Any]
    kind: type[R]
    answers: Callable[[R], bool] = lambda _reply: True


class _Until(NamedTuple):
    address: str
    until: float


class SendStep(_Until):
    """ExchangeStep: send the request to the address until then; its outcome is whether it was taken."""


class ReceiveStep(_Until):
    """ExchangeStep: take a reply from the address until then; its outcome is the reply, None if none came."""


class PauseStep(_Until):
    """ExchangeStep: wait until then, with the connection to the address kept; it has no outcome."""


ExchangeStep = SendStep | ReceiveStep | PauseStep
Happened = tuple[float, Any]
"""Time (s, of one steady clock) at which a step ended, and its outcome."""


def exchange(asked: Inquiry[R], patience: Patience, began: float) -> Generator[ExchangeStep, Happened, R]:
    """The steps of a request; the answer is what the generator returns.

    The same address is asked again on the same connection: who is busy may answer the first attempt during a later one.

    Args:
        asked: the request.
        patience: how long it is waited.
        began: time of the beginning (s).

    Raises:
        RefusedError: if it is refused for good, or for longer than it is waited.
        NotAnsweredError: if nobody answers in time, or with something else.
        FrameError: if the reply cannot be read.
    """
    now, reached, waited = began, False, 0.0
    for attempt in range(patience.attempts * len(asked.addresses)):
        address = asked.addresses[attempt % len(asked.addresses)]
        end = now + patience.answer
        now, sent = yield SendStep(address, min(end, now + patience.connect))
        reached = reached or sent
        waited += patience.answer if sent else min(patience.answer, patience.connect)
        while sent:
            now, payload = yield ReceiveStep(address, end)
            if payload is None:
                break
            reply = asked.decode(payload)
            if isinstance(reply, Refused):
                again = now + reply.retry_after
                if reply.retry_after <= 0 or again > began + patience.refusals:
                    raise RefusedError(reply)
                now, _ = yield PauseStep(address, again)
                end = now + patience.answer
                now, sent = yield SendStep(address, end)
            elif not isinstance(reply, asked.kind):
                raise NotAnsweredError(f"{asked.whom} at {address} answered something else: {type(reply).__name__}")
            elif asked.answers(reply):
                return reply
    text = f"{asked.whom} at {' and '.join(asked.addresses)} did not answer in {waited:g} s"
    raise NotAnsweredError(text if reached else f"{text}: is it running?")


def request(asked: Inquiry[R], patience: Patience) -> R:
    """Ask and wait, from a plain program. Raises as `exchange`."""
    with _Course(asked, patience, Dealer) as course:
        while (step := course.step) is not None:
            outcome: bool | bytes | None = None
            if isinstance(step, SendStep):
                outcome = course.connected(step.address).send(course.payload, _left(step))
            elif isinstance(step, ReceiveStep):
                outcome = course.connected(step.address).receive(_left(step))
            else:
                # The pause between two tries that `Patience` asks for. Whoever calls the blocking form has nothing else
                # to do meanwhile; event loops have the other one.
                time.sleep(_left(step))
            course.done(outcome)
        return course.answer


async def async_request(asked: Inquiry[R], patience: Patience) -> R:
    """Ask and wait, on an asyncio loop. Raises as `exchange`."""
    with _Course(asked, patience, AsyncDealer) as course:
        while (step := course.step) is not None:
            outcome: bool | bytes | None = None
            if isinstance(step, SendStep):
                outcome = await course.connected(step.address).send(course.payload, _left(step))
            elif isinstance(step, ReceiveStep):
                outcome = await course.connected(step.address).receive(_left(step))
            else:
                await asyncio.sleep(_left(step))
            course.done(outcome)
        return course.answer


def _left(step: ExchangeStep) -> float:
    """Time that is left for a step (s)."""
    return max(0.0, step.until - time.monotonic())


class _Course(Generic[D, R]):
    """A request under way: its steps, and the one connection that it has at a time."""

    def __init__(self, asked: Inquiry[R], patience: Patience, connect: Callable[[str], D]) -> None:
        self.payload = codec.encode(asked.message)
        self.answer: R
        self._connect: Callable[[str], D] = connect
        self._connection: tuple[str, D] | None = None
        self._steps = exchange(asked, patience, time.monotonic())
        self.step: ExchangeStep | None = next(self._steps)

    def done(self, outcome: bool | bytes | None) -> None:
        """The present step has ended; afterwards there is another one or the answer."""
        try:
            self.step = self._steps.send((time.monotonic(), outcome))
        except StopIteration as end:
            self.step, self.answer = None, end.value

    def connected(self, address: str) -> D:
        """The connection to an address, a new one if the last step had another address."""
        if self._connection is None or self._connection[0] != address:
            self.close()
            self._connection = address, self._connect(address)
        return self._connection[1]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection[1].close()
        self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
