"""What programs use to talk to the plant: subscribe to topics, send commands and hear what became of them."""

import asyncio
import time
import uuid
from collections import OrderedDict
from typing import Any

from bus import codec
from bus.endpoints import Endpoints
from bus.messages import (
    CommandRequest,
    Refused,
    Result,
    Sequenced,
    Snapshot,
    SnapshotRequest,
)
from bus.sockets import AsyncDealer, Dealer

RETRY_INTERVAL = 0.3
"""Seconds until a request that was not answered is sent again, with the same id."""

RETRIES = 5
RESULTS_KEPT = 10_000


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


class Commander:
    """Commands over asyncio: sequenced by the clock, answered by whoever obeys.

    The owner feeds every `Result` it hears to `heard`, so that one subscription serves all.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._address = endpoints.clock_control
        self._waiting: dict[str, asyncio.Future[Result]] = {}
        self._results: OrderedDict[str, Result] = OrderedDict()

    def heard(self, result: Result) -> None:
        """Take note of a result from the bus."""
        self._results[result.id] = result
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        waiting = self._waiting.get(result.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    async def send(self, request: CommandRequest, timeout: float = 5.0) -> Result:
        """Have a command sequenced and wait until it has acted or was rejected.

        A request without an answer is repeated with the same id, which the clock acts on only once.

        Raises:
            RefusedError: if the clock did not accept it.
            NotAnsweredError: if the clock did not answer, or no result came in `timeout` seconds.
        """
        known = self._results.get(request.id)
        if known is not None:
            return known
        future = self._waiting.setdefault(request.id, asyncio.get_running_loop().create_future())
        try:
            sequenced = await self._sequence(request)
            try:
                return await asyncio.wait_for(asyncio.shield(future), timeout)
            except TimeoutError:
                raise NotAnsweredError(
                    f"{request.module} has not answered {request.name!r} in {timeout:g} s; it was sequenced at tick "
                    f"{sequenced.seq} of run {sequenced.run}: ask again with the same id"
                ) from None
        finally:
            if self._waiting.get(request.id) is future:
                del self._waiting[request.id]

    async def _sequence(self, request: CommandRequest) -> Sequenced:
        payload = codec.encode(request)
        for _attempt in range(RETRIES):
            with AsyncDealer(self._address) as dealer:
                try:
                    async with asyncio.timeout(RETRY_INTERVAL):
                        await dealer.send(payload)
                        reply = codec.decode_clock_reply(await dealer.receive())
                except TimeoutError:
                    continue
            if isinstance(reply, Refused):
                raise RefusedError(reply)
            if isinstance(reply, Sequenced) and reply.id == request.id:
                return reply
        raise NotAnsweredError(
            f"the clock at {self._address} did not answer {RETRIES} times in {RETRIES * RETRY_INTERVAL:g} s: "
            "the command may or may not act; ask again with the same id"
        )


async def snapshot(endpoints: Endpoints, module: str, timeout: float = 1.0) -> Snapshot:
    """The newest state and the parameters in force of one module.

    Raises:
        NotAnsweredError: if the module does not answer in `timeout` seconds.
        RefusedError: if it has nothing to show, with its reason.
    """
    address = endpoints.module(module).snapshot
    with AsyncDealer(address) as dealer:
        try:
            async with asyncio.timeout(timeout):
                await dealer.send(codec.encode(SnapshotRequest()))
                reply = codec.decode_module_reply(await dealer.receive())
        except TimeoutError:
            raise NotAnsweredError(f"module {module} at {address} did not answer in {timeout:g} s") from None
    if isinstance(reply, Snapshot):
        return reply
    raise RefusedError(reply) if isinstance(reply, Refused) else NotAnsweredError(f"{address} gave another answer")


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
