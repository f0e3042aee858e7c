"""Takes in what the bus publishes, passes it on to those who wait for it, and asks producers for what was missed."""

import asyncio
import time
from collections.abc import Callable

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Published, Replay, ReplayRequest, Result, State, Tick
from bus.transport.client import snapshot
from bus.transport.repair import Repairer, repairers
from bus.transport.request import Inquiry, NotAnsweredError, Patience, RefusedError, async_request
from bus.transport.sockets import AsyncSubscriber
from bus.view.lazy_frame import StateHead
from nodes.gateway.commands import Commands
from nodes.gateway.core import GatewayPlant
from nodes.gateway.notifier import Notifier
from nodes.gateway.websocket import Stream
from runtime import log

SILENCE = 2.0
"""Seconds without a frame after which a publisher is connected again: an oversized frame ends a connection for good."""

ANSWER_TIME = 1.0
"""Seconds that the clock gets to answer a question, and pause before a question is repeated."""

BURST = 64
"""Most frames that are taken in before other tasks get their turn."""

PAUSE = 0.03
"""Seconds for which frames gather while nobody waits for them: each time that a process wakes costs as much as several
frames. Whoever asks meanwhile gets what was newest at most so long ago."""

TOPICS = ("tick", "status", "state/", "event/", "result/")


class BusSubscriber:
    """Listens to publishers, passes on what it hears, and asks for what is missing. For one loop.

    Args:
        endpoints: addresses of the plant.
        plant: what this worker knows; it takes every message.
        commands: wait for results, and remember the ids of commands that others sent.
        stream: passes messages on to WebSocket clients.
        notifier: wakes the routes that wait for the next message.
        latency: takes the topic of each message, and the seconds from its sending to its arrival.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        plant: GatewayPlant,
        commands: Commands,
        stream: Stream,
        notifier: Notifier,
        latency: Callable[[str, float], None],
    ) -> None:
        self._plant = plant
        self._commands = commands
        self._stream = stream
        self._notifier = notifier
        self._latency = latency
        self._endpoints = endpoints
        self._clock = endpoints.clock_control
        self._repairers: list[Repairer] = repairers(plant.streams, endpoints)

    async def listen(self, address: str) -> None:
        """Take in what one publisher sends, for ever.

        Each publisher has a socket and a task of its own, so that its silence is noticed although others send.
        """
        with AsyncSubscriber([address], TOPICS) as subscriber:
            while True:
                await self._until_silent(subscriber)
                subscriber.renew()

    async def _until_silent(self, subscriber: AsyncSubscriber) -> None:
        """Take in frames until none has come for SILENCE."""
        now = asyncio.get_running_loop().time
        while frames := await subscriber.burst(BURST, SILENCE):
            moment = now()
            malformed, subscriber.malformed = subscriber.malformed, 0
            self._plant.bad_frames += malformed
            for topic, payload in frames:
                self._take(topic, payload, moment)
            # A gap shows when the message behind it comes. Asked for now and not at the next pulse, what is missing is
            # here some milliseconds later, before most clients have had their turn.
            self.repair(moment)
            self._notifier.notify()
            # Others have their turn, whatever is waiting: after a stall of this process thousands of frames are.
            await asyncio.sleep(0.0 if len(frames) == BURST or self._awaited() else PAUSE)

    def _awaited(self) -> bool:
        """True if somebody waits for what comes next, or this worker itself lacks something."""
        plant = self._plant
        waiting = self._stream.clients() or self._commands.waiting or self._notifier.waiting
        return bool(waiting) or plant.streams.depth > 0 or not plant.ready

    def _take(self, topic: bytes, payload: bytes, now: float) -> None:
        message = self._plant.on(topic, payload, now)
        self._pass_on(self._plant.ordered)
        if isinstance(message, Tick):
            log.at(message.run, message.seq)
        if isinstance(message, StateHead):
            # Clients at a rate want what is newest, so they get it even while an earlier frame is missing.
            self._stream.sweep(message.module, now)
        if message is not None:
            self._latency(message.TOPIC, time.time() - message.wall)

    def repair(self, now: float) -> None:
        """Ask for missing messages and take the answers; to be called often, as it costs little if none is missing."""
        for repairer in self._repairers:
            repaired = self._plant.take(repairer.work(), now)
            if repaired:
                self._pass_on(repaired)
                self._notifier.notify()

    def _pass_on(self, messages: list[Published]) -> None:
        for message in messages:
            if isinstance(message, Result):
                self._commands.heard(message)
            elif isinstance(message, Tick):
                # Those of other workers too: a client may repeat its request at any of them.
                for command in message.commands:
                    self._commands.noted(command)
            if not isinstance(message, StateHead | State):  # each client gets those at its own pace, see Stream.sweep
                self._stream.heard(message)

    async def ready(self, timeout: float, stop: asyncio.Event) -> None:
        """Wait until this worker knows the plant as well as others do.

        Until then a connection is better off with another worker, or waiting in the queue of the listening socket.

        Args:
            timeout: longest time to wait (s).
            stop: ends the wait when it is set.
        """
        now = asyncio.get_running_loop().time
        end = now() + timeout
        while not self._plant.ready and now() < end and not stop.is_set():
            await self._notifier.wait(0.05)
            self.repair(now())

    async def fetch_commands(self) -> None:
        """Fetch the commands of the present run from the clock, once: the audit log from before this worker listened.

        They come as run-length coded ticks, so the answer for a long run with few commands is short.
        """
        after = 0
        while True:
            message = ReplayRequest(run="", after=after)
            asked = Inquiry("the clock", [self._clock], message, codec.decode_clock_reply, Replay)
            try:
                reply = await async_request(asked, Patience(ANSWER_TIME))
            except RefusedError:
                return
            except (NotAnsweredError, FrameError):
                await asyncio.sleep(ANSWER_TIME)  # the clock has not started yet, or is being replaced
                continue
            if not reply.spans:
                return
            # An answer holds a block of the run; the next block is asked for until the newest tick has come.
            for span in reply.spans:
                self._plant.add_past_commands(reply.run, span)
                for command in span.commands:
                    self._commands.noted(command)
            after = reply.spans[-1].first + reply.spans[-1].count - 1
            if after >= reply.last:
                return

    async def fetch_events(self, module: str) -> None:
        """Fetch a module's newest events, once: those from before this worker listened."""
        while True:
            try:
                answer = await snapshot(self._endpoints, module)
            except (NotAnsweredError, RefusedError, FrameError):
                await asyncio.sleep(ANSWER_TIME)  # the module has not started yet, or has no plant yet
                continue
            self._plant.events.add_past(answer.events)
            return

    def close(self) -> None:
        """Close the sockets of questions that are still open."""
        for repairer in self._repairers:
            repairer.close()
