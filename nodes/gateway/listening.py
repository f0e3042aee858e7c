"""What the gateway hears on the bus, and who is told of it."""

import asyncio
import contextlib

from bus.messages import Published, Result, Tick
from bus.sockets import AsyncSubscriber
from nodes.gateway.commands import Commands
from nodes.gateway.core import Plant
from nodes.gateway.frame import StateHead
from nodes.gateway.news import News
from nodes.gateway.websocket import Stream

SILENCE = 2.0
"""Seconds without a frame after which a publisher is connected anew: an oversized frame ends a connection for good."""

YIELD_EVERY = 64
"""Frames of a burst that are worked off before others get their turn."""

TOPICS = ("tick", "status", "state/", "event/", "result/")


class Ear:
    """Listens to publishers and passes on what it hears."""

    def __init__(self, plant: Plant, commands: Commands, stream: Stream, news: News) -> None:
        self._plant = plant
        self._commands = commands
        self._stream = stream
        self._news = news

    async def listen(self, address: str) -> None:
        """Take in what one publisher says, for ever."""
        with AsyncSubscriber([address], TOPICS) as subscriber:
            while True:
                with contextlib.suppress(TimeoutError):
                    await self._until_silent(subscriber)
                subscriber.renew()

    async def _until_silent(self, subscriber: AsyncSubscriber) -> None:
        """Take in frames until none comes for SILENCE; raises TimeoutError then."""
        now = asyncio.get_running_loop().time
        count = 0
        malformed = subscriber.malformed
        async with asyncio.timeout(SILENCE) as deadline:
            while True:
                topic, payload = await subscriber.receive()
                moment = now()
                deadline.reschedule(moment + SILENCE)
                self._plant.bad_frames += subscriber.malformed - malformed
                malformed = subscriber.malformed
                self._pass_on(self._plant.on(topic, payload, moment), moment)
                count += 1
                if count % YIELD_EVERY == 0:
                    await asyncio.sleep(0)

    def _pass_on(self, message: Published | StateHead | None, now: float) -> None:
        if message is None:
            return
        if isinstance(message, StateHead):
            self._stream.sweep(message.module, now)
        else:
            if isinstance(message, Result):
                self._commands.heard(message)
            elif isinstance(message, Tick):
                for command in message.commands:
                    self._commands.noted(command)
            self._stream.heard(message)
        self._news.strike()
