"""What programs use to talk to the plant: send commands and learn what became of them, ask modules and the recorder.

A command is safe to repeat: its id stays the same, and the clock answers one that it knows as it did before.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.joint import JointOutcome
from bus.protocol.messages import (
    CLOCK_MODULE,
    EVERY_MODULE,
    CommandRequest,
    Forked,
    ForkRequest,
    Frames,
    FramesRequest,
    RecorderRequest,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    Snapshot,
    SnapshotRequest,
    begin_id,
)
from bus.protocol.schema import Message
from bus.transport.request import Inquiry, NotAnsweredError, Patience, RefusedError, async_request, request

RETRY_INTERVAL = 0.3
"""Seconds until a request that was not answered is sent again, with the same id."""

RETRIES = 5
"""How often such a request is sent."""

RESULT_WITHIN = 0.5
"""Seconds after which a result that was not heard is asked for."""

RESULTS_KEPT = 10_000
"""Outcomes that are remembered; the oldest make room."""

BEGUN_WITHIN = 10.0
"""Seconds within which every module must have begun a run."""

FOLLOWED_AGAIN = 0.05
"""Seconds until the clock is asked again whether a run was followed by another one."""

RECORDER = Patience(answer=10.0, connect=0.5)
"""The recorder answers one request after the other, and may be busy with a long one."""

FORK = Patience(answer=120.0, connect=0.5)
"""A module may have to compute a recorded moment from the beginning of its run."""


R = TypeVar("R", bound=Message)


def command(module: str, name: str, args: dict[str, Any], origin: str, command_id: str = "") -> CommandRequest:
    """Make a checked command.

    Args:
        module: "clock", a plant module, or "*" for every module.
        name: what to do.
        args: arguments by name.
        origin: who asks, for the audit log.
        command_id: id of an earlier attempt, for a retry; a new one is made when empty.

    Raises:
        FrameError: naming the field that is wrong, or the largest size that the clock accepts.
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
    # Encoded for its size only: libzmq would end the connection to the clock over a larger one, without a word.
    codec.encode(request, codec.MAX_REQUEST)
    return request


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A caller that waits for what becomes of a command."""

    module: str
    """Whom the command is for."""
    future: "asyncio.Future[Result]"


class Commander:
    """Commands over asyncio: sequenced by the clock, answered by the module that carries them out.

    Its owner passes every `Result` from the bus to `heard`, so one subscription serves all callers. A result that is
    lost on the way is asked for.

    Args:
        endpoints: where the plant is.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
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
        # Kept whether or not anybody waits: a result may arrive before the clock's answer to the request that caused
        # it, since the two travel by different sockets. Taken out and put back, so the newest stand at the end.
        outcome = self._results.pop(result.id, JointOutcome()).and_result(result)
        self._results[result.id] = outcome
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        for waiting in self._waiting.get(result.id, ()):
            if not waiting.future.done() and not outcome.missing(waiting.module, self._modules):
                waiting.future.set_result(outcome.told(waiting.module))

    async def send(self, request: CommandRequest, timeout: float = 5.0) -> Result:
        """Have a command sequenced, and wait until it has acted or was rejected; for "*", by every module.

        A request without an answer is repeated with the same id, on which the clock acts only once. So is a request
        that the clock refuses for the moment because a module has not caught up.

        Args:
            request: the command.
            timeout: longest wait for its outcome (s).

        Raises:
            RefusedError: if the clock did not accept it, for the moment or for good.
            NotAnsweredError: if the clock did not answer, or no result arrived in `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        # Expected before it is sent, or a quick result could slip in between. A command whose outcome is known already
        # is a retry: it is not sent again.
        with self._expecting(request.id, request.module) as outcome:
            if not outcome.done():
                sequenced = await self._sequence(request, deadline)
                await self._expect(outcome, request.module, sequenced, deadline)
            if outcome.done():
                return outcome.result()
            missing = self._known(request.id).missing(request.module, self._modules)
            raise NotAnsweredError(
                f"no answer from {', '.join(missing)} to {request.name!r} within {timeout:g} s; the command was "
                f"sequenced at tick {sequenced.seq} of run {sequenced.run}: ask again with the same id"
            )

    async def begun(self, run: str, seq: int) -> list[Result]:
        """The modules' results of beginning the run that followed another one, as soon as all are there.

        Args:
            run: the run that was followed.
            seq: its tick at which a command ended it.

        Raises:
            NotAnsweredError: if no run followed within BEGUN_WITHIN seconds, or a module has not begun it.
        """
        deadline = time.monotonic() + BEGUN_WITHIN
        following = await self._following(run, seq, deadline)
        # A run begins with a command at its first tick, whose id follows from the run's name. Nobody here has sent it,
        # and its results are waited for like those of any command.
        begin = Sequenced(id=begin_id(following), run=following, seq=1)
        with self._expecting(begin.id, EVERY_MODULE) as outcome:
            await self._expect(outcome, EVERY_MODULE, begin, deadline)
            missing = self._known(begin.id).missing(EVERY_MODULE, self._modules)
        if missing:
            who = ", ".join(missing)
            raise NotAnsweredError(f"run {following} was not begun by {who} within {BEGUN_WITHIN:g} s")
        return list(self._known(begin.id).results.values())

    async def _following(self, run: str, seq: int, deadline: float) -> str:
        """The run that followed another one, as the clock reports it with that run's ticks after `seq`."""
        message = ReplayRequest(run=run, after=seq)
        asked = Inquiry("the clock", [self._address], message, codec.decode_clock_reply, Replay)
        while (left := deadline - time.monotonic()) > 0:
            # The command that ends the run acts at a coming tick. Until then, the clock answers that no run follows.
            reply = await async_request(asked, Patience(left, refusals=left))
            if reply.following:
                return reply.following
            await asyncio.sleep(FOLLOWED_AGAIN)
        raise NotAnsweredError(f"no run has followed run {run} within {BEGUN_WITHIN:g} s")

    def _known(self, command_id: str) -> JointOutcome:
        return self._results.get(command_id, JointOutcome())

    @contextmanager
    def _expecting(self, command_id: str, module: str) -> "Iterator[asyncio.Future[Result]]":
        """A future of what becomes of a command that acts on a module, done as soon as that is known."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        known = self._known(command_id)
        if not known.missing(module, self._modules):
            future.set_result(known.told(module))
        # A list, since two callers may send the same command: one that repeats it while the first still waits.
        own = _Waiting(module, future)
        self._waiting.setdefault(command_id, []).append(own)
        try:
            yield future
        finally:
            waiting = self._waiting[command_id]
            waiting.remove(own)
            if not waiting:
                del self._waiting[command_id]

    async def _expect(
        self, outcome: "asyncio.Future[Result]", module: str, sequenced: Sequenced, deadline: float
    ) -> None:
        """Wait until the outcome is known or the time is over; ask for results that have not been heard for a while."""
        while not outcome.done() and (left := deadline - time.monotonic()) > 0:
            # `wait` and not `wait_for`, which would cancel the future at its timeout.
            await asyncio.wait([outcome], timeout=min(left, RESULT_WITHIN))
            if not outcome.done() and time.monotonic() < deadline:
                await self._ask_for_result(module, sequenced)

    async def _sequence(self, message: CommandRequest, deadline: float) -> Sequenced:
        # Attempts are limited in number, but refusals for the moment by the caller's time: a module that is behind may
        # need all of it to catch up.
        patience = Patience(RETRY_INTERVAL, attempts=RETRIES, refusals=max(0.0, deadline - time.monotonic()))
        try:
            return await async_request(_sequencing(self._address, message), patience)
        except NotAnsweredError as error:
            raise NotAnsweredError(f"{error} {UNKNOWN}") from error

    async def _ask_for_result(self, module: str, sequenced: Sequenced) -> None:
        """Ask for the results of a tick where they were made: they are published once, and may be lost on the way.

        The clock is always asked, too: it answers a command whose run ended before its tick, whoever it was for.
        """
        message = FramesRequest(run=sequenced.run, after=sequenced.seq - 1)
        missing = self._known(sequenced.id).missing(module, self._modules)
        asked = [Inquiry("the clock", [self._address], message, codec.decode_clock_reply, Frames)] + [
            Inquiry(f"module {name}", [instance.snapshot], message, codec.decode_module_reply, Frames)
            for name in missing
            if name != CLOCK_MODULE
            for instance in self.endpoints.module(name).instances
        ]
        # All at once, so one that does not answer keeps the others' results from nobody. Every instance of a module is
        # asked, since the one that leads may have died with the tick.
        for results in await asyncio.gather(*map(_results, asked)):
            for result in results:
                if result.id == sequenced.id:
                    self.heard(result)


async def _results(asked: Inquiry[Frames]) -> list[Result]:
    """The results that a node still has; none if it does not answer. The caller asks again in a while."""
    try:
        return (await async_request(asked, Patience(RETRY_INTERVAL))).results
    except (NotAnsweredError, RefusedError):
        return []


UNKNOWN = "The command may or may not act: ask again with the same id"


def _sequencing(address: str, message: CommandRequest) -> Inquiry[Sequenced]:
    """A command for the clock, whose answer has the command's id: one to an earlier request does not count."""
    decode = codec.decode_clock_reply
    return Inquiry("the clock", [address], message, decode, Sequenced, lambda reply: reply.id == message.id)


async def snapshot(endpoints: Endpoints, module: str, timeout: float = 1.0) -> Snapshot:
    """The newest state and the parameters in force of one module.

    Raises:
        NotAnsweredError: if the module does not answer in `timeout` seconds.
        RefusedError: if it has nothing to show, with its reason.
    """
    addresses = [instance.snapshot for instance in endpoints.module(module).instances]
    # Every instance knows it, and one may be down: the time is divided among them.
    asked = Inquiry(f"module {module}", addresses, SnapshotRequest(), codec.decode_module_reply, Snapshot)
    return await async_request(asked, Patience(timeout / len(addresses)))


async def recorded(endpoints: Endpoints, message: RecorderRequest, kind: type[R]) -> R:
    """The recorder's answer to a question about recordings.

    Args:
        endpoints: where the recorder is.
        message: the question.
        kind: type of the answer.

    Raises:
        NotAnsweredError: if the recorder does not answer.
        RefusedError: with the recorder's field and reason.
    """
    asked = Inquiry("the recorder", [endpoints.recorder], message, codec.decode_recorder_reply, kind)
    return await async_request(asked, RECORDER)


async def fork(module: str, address: str, message: ForkRequest) -> Forked:
    """Have one instance of a module make a recorded moment ready as the beginning of a run.

    Args:
        module: the module's name, for messages.
        address: request socket of the instance.
        message: which moment.

    Raises:
        NotAnsweredError: if it does not answer.
        RefusedError: with its reason.
    """
    return await async_request(Inquiry(f"module {module}", [address], message, codec.decode_module_reply, Forked), FORK)


def sequence(endpoints: Endpoints, message: CommandRequest) -> Sequenced:
    """Have a command sequenced, from a plain program; its result is published under `result/`.

    Args:
        endpoints: where the clock is.
        message: the command.

    Raises:
        RefusedError: if the clock did not accept it.
        NotAnsweredError: if the clock did not answer, and whether the command acts is unknown.
    """
    try:
        return request(_sequencing(endpoints.clock_control, message), Patience(RETRY_INTERVAL, attempts=RETRIES))
    except NotAnsweredError as error:
        raise NotAnsweredError(f"{error} {UNKNOWN}") from error
