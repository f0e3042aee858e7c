"""What programs use to talk to the plant: subscribe to topics, send commands and hear what became of them."""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.joint import JointOutcome
from bus.protocol.messages import (
    CLOCK_MODULE,
    CommandRequest,
    Forked,
    ForkRequest,
    Frames,
    FramesRequest,
    RecorderReply,
    RecorderRequest,
    Refused,
    Result,
    Sequenced,
    Snapshot,
    SnapshotRequest,
)
from bus.transport.sockets import AsyncDealer, Dealer

RETRY_INTERVAL = 0.3
"""Seconds until a request that was not answered is sent again, with the same id."""

RETRIES = 5

RESULT_WITHIN = 0.5
"""Seconds after which a result that was not heard is asked for."""

RESULTS_KEPT = 10_000

CONNECT_WITHIN = 0.5
"""Seconds after which a socket on which nobody listens is given up."""

RECORDER_WITHIN = 10.0
"""Seconds that the recorder may take: it answers one request after the other."""

FORK_WITHIN = 120.0
"""Seconds that a module may take to compute a recorded moment."""


class NotAnsweredError(TimeoutError):
    """No answer in time. A command may or may not act: ask again with the same id."""


class RefusedError(ValueError):
    """The clock did not accept the request; nothing was done."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.field}: {refused.reason}" if refused.field else refused.reason)
        self.refused = refused


def command(module: str, name: str, args: dict[str, Any], origin: str, command_id: str = "") -> CommandRequest:
    """Make a checked command.

    Args:
        module: "clock", a plant module, or "*".
        name: what to do.
        args: arguments by name.
        origin: who asks.
        command_id: id to use again for a retry; made here when empty.

    Raises:
        FrameError: naming the field that is wrong, or the size that the clock accepts.
    """
    fields = {
        "type": "command",
        "id": command_id or uuid.uuid4().hex,
        "module": module,
        "name": name,
        "args": args,
        "origin": origin,
    }
    request: CommandRequest = codec.build(CommandRequest, fields)
    codec.encode(request, codec.MAX_REQUEST)  # the clock would drop what is larger without a word
    return request


@dataclass(frozen=True, eq=False)
class _Waiting:
    """Somebody who waits for what becomes of a command."""

    module: str
    """Whom it is for."""
    future: "asyncio.Future[Result]"


class Commander:
    """Commands over asyncio: sequenced by the clock, answered by whoever obeys.

    The owner feeds every `Result` it hears to `heard`, so that one subscription serves all. A result that is lost on
    the way is asked for.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._address = endpoints.clock_control
        self._modules = tuple(module.module for module in endpoints.modules)
        self._waiting: dict[str, list[_Waiting]] = {}
        self._results: OrderedDict[str, JointOutcome] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Commands whose outcome is not known yet."""
        return len(self._waiting)

    def heard(self, result: Result) -> None:
        """Take note of a result from the bus."""
        outcome = self._results.pop(result.id, JointOutcome()).and_result(result)
        self._results[result.id] = outcome
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        for waiting in self._waiting.get(result.id, ()):
            if not waiting.future.done() and not outcome.missing(waiting.module, self._modules):
                waiting.future.set_result(outcome.told(waiting.module))

    async def send(self, request: CommandRequest, timeout: float = 5.0) -> Result:
        """Have a command sequenced and wait until it has acted or was rejected; one for every module, by all of them.

        A request without an answer is repeated with the same id, which the clock acts on only once; so is one that the
        clock refuses for the moment, because a module is not caught up.

        Raises:
            RefusedError: if the clock did not accept it, for the moment or for good.
            NotAnsweredError: if the clock did not answer, or no result came in `timeout` seconds.
        """
        known = self._results.get(request.id, JointOutcome())
        if not known.missing(request.module, self._modules):
            return known.told(request.module)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        own = _Waiting(request.module, future)
        self._waiting.setdefault(request.id, []).append(own)
        deadline = time.monotonic() + timeout
        try:
            sequenced = await self._sequence(request, deadline)
            while not future.done() and (left := deadline - time.monotonic()) > 0:
                await asyncio.wait([future], timeout=min(left, RESULT_WITHIN))
                if not future.done() and time.monotonic() < deadline:
                    await self._ask_for_result(request, sequenced)
            if future.done():
                return future.result()
            missing = self._results.get(request.id, JointOutcome()).missing(request.module, self._modules)
            raise NotAnsweredError(
                f"{', '.join(missing)} has not answered {request.name!r} in {timeout:g} s; it was sequenced at tick "
                f"{sequenced.seq} of run {sequenced.run}: ask again with the same id"
            )
        finally:
            waiting = self._waiting[request.id]
            waiting.remove(own)
            if not waiting:
                del self._waiting[request.id]

    async def _sequence(self, request: CommandRequest, deadline: float) -> Sequenced:
        payload = codec.encode(request)
        attempts = 0
        # One socket for all attempts: a busy clock may answer the first while a later one is under way.
        with AsyncDealer(self._address) as dealer:
            while attempts < RETRIES:
                reply = await _exchanged(dealer, payload, RETRY_INTERVAL, codec.decode_clock_reply)
                if reply is None:
                    attempts += 1
                elif isinstance(reply, Refused):
                    if reply.retry_after <= 0 or time.monotonic() + reply.retry_after > deadline:
                        raise RefusedError(reply)
                    await asyncio.sleep(reply.retry_after)
                elif isinstance(reply, Sequenced) and reply.id == request.id:
                    return reply
        raise NotAnsweredError(
            f"the clock at {self._address} did not answer {RETRIES} times in {RETRIES * RETRY_INTERVAL:g} s: "
            "the command may or may not act; ask again with the same id"
        )

    async def _ask_for_result(self, request: CommandRequest, sequenced: Sequenced) -> None:
        """Results are published once and may be lost on the way: those of the tick come from whoever made them.

        A command whose run ended before its tick is answered by the clock, whoever it was for.
        """
        payload = codec.encode(FramesRequest(run=sequenced.run, after=sequenced.seq - 1))
        replies = [await _ask(self._address, payload, RETRY_INTERVAL, codec.decode_clock_reply)]
        missing = self._results.get(request.id, JointOutcome()).missing(request.module, self._modules)
        addresses = [
            instance.snapshot
            for module in missing
            if module != CLOCK_MODULE
            for instance in self._endpoints.module(module).instances
        ]
        asked = [_ask(address, payload, RETRY_INTERVAL, codec.decode_module_reply) for address in addresses]
        replies += await asyncio.gather(*asked)  # at once: one that does not answer keeps nobody waiting
        for reply in replies:
            for result in reply.results if isinstance(reply, Frames) else ():
                if result.id == request.id:
                    self.heard(result)


async def _ask(address: str, payload: bytes, timeout: float, decode: Callable[[bytes], Any]) -> Any:
    """The reply to one request on a socket of its own, None when none came in time."""
    with AsyncDealer(address) as dealer:
        return await _exchanged(dealer, payload, timeout, decode)


async def _exchanged(dealer: AsyncDealer, payload: bytes, timeout: float, decode: Callable[[bytes], Any]) -> Any:
    try:
        async with asyncio.timeout(timeout):
            await dealer.send(payload)
            return decode(await dealer.receive())
    except TimeoutError:
        return None


async def snapshot(endpoints: Endpoints, module: str, timeout: float = 1.0) -> Snapshot:
    """The newest state and the parameters in force of one module.

    Raises:
        NotAnsweredError: if the module does not answer in `timeout` seconds.
        RefusedError: if it has nothing to show, with its reason.
    """
    payload = codec.encode(SnapshotRequest())
    instances = endpoints.module(module).instances
    for instance in instances:  # any of them knows it; one may be down
        reply = await _ask(instance.snapshot, payload, timeout / len(instances), codec.decode_module_reply)
        if isinstance(reply, Snapshot):
            return reply
        if isinstance(reply, Refused):
            raise RefusedError(reply)
    addresses = " and ".join(instance.snapshot for instance in instances)
    raise NotAnsweredError(f"module {module} at {addresses} did not answer in {timeout:g} s")


async def recorded(endpoints: Endpoints, request: RecorderRequest) -> RecorderReply:
    """What the recorder answers to a question about recordings, never a refusal.

    Raises:
        NotAnsweredError: if it does not answer.
        RefusedError: with its field and reason.
    """
    payload = codec.encode(request)
    reply: RecorderReply = await _exchange(
        "the recorder", endpoints.recorder, payload, RECORDER_WITHIN, codec.decode_recorder_reply
    )
    if isinstance(reply, Refused):
        raise RefusedError(reply)
    return reply


async def fork(address: str, request: ForkRequest) -> Forked:
    """Have one instance of a module make a recorded moment ready.

    Raises:
        NotAnsweredError: if it does not answer.
        RefusedError: with its reason.
    """
    payload = codec.encode(request)
    reply = await _exchange("the module", address, payload, FORK_WITHIN, codec.decode_module_reply)
    if isinstance(reply, Refused):
        raise RefusedError(reply)
    if not isinstance(reply, Forked):
        raise NotAnsweredError(f"the module at {address} answered something else")
    return reply


async def _exchange(who: str, address: str, payload: bytes, timeout: float, decode: Callable[[bytes], Any]) -> Any:
    """One request that may take its time, to someone who has to be there at once."""
    with AsyncDealer(address) as dealer:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await dealer.send(payload)
        except TimeoutError as error:
            raise NotAnsweredError(f"{who} is not at {address}: is it running?") from error
        try:
            async with asyncio.timeout(timeout):
                return decode(await dealer.receive())
        except TimeoutError as error:
            raise NotAnsweredError(f"{who} at {address} did not answer in {timeout:g} s") from error


def sequence(endpoints: Endpoints, request: CommandRequest) -> Sequenced:
    """Have a command sequenced, from a plain program; its result is published under `result/`.

    Raises:
        RefusedError: if the clock did not accept it.
        NotAnsweredError: if the clock did not answer.
    """
    payload = codec.encode(request)
    for _attempt in range(RETRIES):
        with Dealer(endpoints.clock_control) as dealer:
            deadline = time.monotonic() + RETRY_INTERVAL
            while not dealer.send(payload) and time.monotonic() < deadline:
                dealer.receive(0.01)
            answer = dealer.receive(RETRY_INTERVAL)
        if answer is None:
            continue
        reply = codec.decode_clock_reply(answer)
        if isinstance(reply, Refused):
            raise RefusedError(reply)
        if isinstance(reply, Sequenced) and reply.id == request.id:
            return reply
    raise NotAnsweredError(f"the clock at {endpoints.clock_control} did not answer: ask again with the same id")
