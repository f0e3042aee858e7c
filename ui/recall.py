"""Asks the clock once for the commands of the present run: what was acknowledged before this dashboard listened."""

import asyncio
from collections.abc import Iterable

from bus import codec
from bus.codec import FrameError
from bus.endpoints import Endpoints
from bus.messages import ClockReply, Replay, ReplayRequest, Span
from bus.sockets import AsyncDealer
from ui.feed import Feed

ANSWER_TIME = 1.0
"""Seconds within which the clock answers."""


async def recall(feed: Feed, endpoints: Endpoints) -> None:
    """Take note of the commands on record, as soon as the clock answers."""
    after = 0
    while True:
        try:
            async with asyncio.timeout(ANSWER_TIME):
                reply = await _ask(endpoints, ReplayRequest(run="", after=after))
        except (TimeoutError, FrameError):
            await asyncio.sleep(ANSWER_TIME)  # a clock that is not there yet
            continue
        if not isinstance(reply, Replay) or not reply.spans:
            return
        _take(feed, reply.run, reply.spans)
        after = reply.spans[-1].first + reply.spans[-1].count - 1
        if after >= reply.last:
            return


def _take(feed: Feed, run: str, spans: Iterable[Span]) -> None:
    with feed.lock:
        tick = feed.plant.tick
        if tick is None or tick.run != run:
            return
        for span in spans:
            for command in span.commands:
                feed.plant.alarms.on_command(command, span.t)


async def _ask(endpoints: Endpoints, request: ReplayRequest) -> ClockReply:
    with AsyncDealer(endpoints.clock_control) as dealer:
        await dealer.send(codec.encode(request))
        return codec.decode_clock_reply(await dealer.receive())
