"""One request to a ROUTER and its answer: the only way to ask for something and to wait for it.

`exchange` decides what to send, to whom, how long to wait and when to give up; it touches no socket and no clock.
`request` and `async_request` carry out its steps, for a plain program and for an asyncio loop. What a main loop sends
without waiting (questions about gaps, a node's beats) does not come this way; see `bus.transport.repair`.
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
    """No answer in time. Whether a command acts is unknown: ask again with the same id."""


class RefusedError(ValueError):
    """The request was not accepted, and nothing was done.

    Args:
        refused: the reply, with the field, the reason, and whether to ask again.
    """

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.field}: {refused.reason}" if refused.field else refused.reason)
        self.refused = refused


@dataclass(frozen=True)
class Patience:
    """How long to wait for an answer.

    Args:
        answer: time of one attempt, from connecting to the answer (s).
        connect: the part of it after which an address where nobody listens is given up (s).
        attempts: how often each address is asked. A request that is sent more than once must have an id of its own, or
            change nothing.
        refusals: time since the beginning within which a refusal for the moment (`retry_after`) is followed by another
            request (s); that does not count as an attempt.
    """

    answer: float
    connect: float = math.inf
    attempts: int = 1
    refusals: float = 0.0


@dataclass(frozen=True)
class Inquiry(Generic[R]):
    """What is asked, of whom, and which answer counts.

    Args:
        whom: the node that is asked, in words for people ("the clock").
        addresses: request sockets that can answer, asked in turn.
        message: the request.
        decode: decoder of the replies.
        kind: type of the answer. A reply of another type ends the request; a refusal ends it with its reason.
        answers: whether a reply of that type belongs to this request; other replies are ignored.
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
    """ExchangeStep: send the request to the address, trying until then; its outcome is whether it was sent."""


class ReceiveStep(_Until):
    """ExchangeStep: wait for a reply from the address until then; its outcome is the reply, None if none came."""


class PauseStep(_Until):
    """ExchangeStep: wait until then with the connection to the address kept; it has no outcome."""


ExchangeStep = SendStep | ReceiveStep | PauseStep
Happened = tuple[float, Any]
"""Time (s, of one steady clock) at which a step ended, and its outcome."""


def exchange(asked: Inquiry[R], patience: Patience, began: float) -> Generator[ExchangeStep, Happened, R]:
    """The steps of a request; the answer is what the generator returns.

    An address is asked again on the same connection: a busy node may answer the first attempt during a later one.

    Args:
        asked: the request.
        patience: how long to wait.
        began: time of the beginning (s), of the clock that later gives the times of the steps.

    Raises:
        RefusedError: if it is refused for good, or for the moment until `patience.refusals` is over.
        NotAnsweredError: if there is no answer in time, or one of another type.
        FrameError: if the reply cannot be decoded.
    """
    now, reached, waited = began, False, 0.0
    for attempt in range(patience.attempts * len(asked.addresses)):
        # In turn, rather than all attempts at one address before the next: one that is down costs the least that way.
        address = asked.addresses[attempt % len(asked.addresses)]
        end = now + patience.answer
        # The socket sends only to a peer that is connected, so an address where nobody listens shows here already, and
        # "is it running?" at the end is asked only of nodes that were never reached.
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
                # As in an attempt of its own: the time for an answer begins again after the pause.
                now, _ = yield PauseStep(address, again)
                end = now + patience.answer
                now, sent = yield SendStep(address, end)
            elif not isinstance(reply, asked.kind):
                raise NotAnsweredError(f"{asked.whom} at {address} gave an unexpected answer: {type(reply).__name__}")
            # A reply that does not belong to this request answers an earlier one of the same connection, which was
            # given up: the right one may still follow.
            elif asked.answers(reply):
                return reply
    text = f"{asked.whom} at {' and '.join(asked.addresses)} did not answer in {waited:g} s"
    raise NotAnsweredError(text if reached else f"{text}: is it running?")


def request(asked: Inquiry[R], patience: Patience) -> R:
    """Ask and wait, from a plain program; raises what `exchange` raises."""
    with _Course(asked, patience, Dealer) as course:
        while (step := course.step) is not None:
            outcome: bool | bytes | None = None
            if isinstance(step, SendStep):
                outcome = course.connected(step.address).send(course.payload, _left(step))
            elif isinstance(step, ReceiveStep):
                outcome = course.connected(step.address).receive(_left(step))
            else:
                # Sleeping is right here: a caller of the blocking form has nothing else to do meanwhile, and event
                # loops use the other form.
                time.sleep(_left(step))
            course.done(outcome)
        return course.answer


async def async_request(asked: Inquiry[R], patience: Patience) -> R:
    """Ask and wait, on an asyncio loop; raises what `exchange` raises."""
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
    """A request under way: its steps, and its one connection at a time."""

    def __init__(self, asked: Inquiry[R], patience: Patience, connect: Callable[[str], D]) -> None:
        self.payload = codec.encode(asked.message)
        self.answer: R
        self._connect: Callable[[str], D] = connect
        self._connection: tuple[str, D] | None = None
        self._steps = exchange(asked, patience, time.monotonic())
        # A generator has to be advanced to its first `yield` before anything can be sent into it.
        self.step: ExchangeStep | None = next(self._steps)

    def done(self, outcome: bool | bytes | None) -> None:
        """End the present step; afterwards there is either another step, or the answer and None for a step."""
        try:
            self.step = self._steps.send((time.monotonic(), outcome))
        except StopIteration as end:
            self.step, self.answer = None, end.value

    def connected(self, address: str) -> D:
        """The connection to an address; a new one if the step before had another address."""
        # One at a time: an answer from an address that was given up no longer counts.
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
