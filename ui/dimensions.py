"""Keeps parameters in force and newest events of a module at hand: asked anew for each run and each change."""

import asyncio

import structlog

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.transport.client import snapshot
from bus.transport.request import NotAnsweredError, RefusedError
from ui.feed import Feed
from ui.page_stream import PageStream

INTERVAL = 0.2


async def follow(
    feed: Feed, endpoints: Endpoints, module: str, stream: PageStream, log: structlog.stdlib.BoundLogger
) -> None:
    """Ask the module for a snapshot whenever what the page knows of it may have changed, until cancelled."""
    known: tuple[str, tuple[str, int]] | None = None
    reason = shown = ""
    while True:
        with feed.lock:
            state = feed.plant.state(module)
            wanted = None if state is None else (state.run, feed.plant.log.changed.get(module, ("", 0)))
        if wanted is not None and wanted != known:
            if wanted[0] != shown:
                stream.forget_geometry(module)
            try:
                answer = await snapshot(endpoints, module)
            except (NotAnsweredError, RefusedError, FrameError) as error:
                if str(error) != reason:
                    log.warning("dimensions unknown", module=module, reason=str(error))
                reason = str(error)
            else:
                if answer.run == wanted[0]:
                    with feed.lock:
                        feed.plant.events.add_past(answer.events)
                    stream.geometry(answer)
                    reason, shown = "", answer.run
                    run, seq = wanted[1]
                    # An instance that lags behind may have answered, from before the change: it is asked again.
                    if run != answer.run or answer.seq >= seq:
                        known = wanted
        await asyncio.sleep(INTERVAL)
