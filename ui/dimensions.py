"""Keeps the parameters in force and the newest events of a module at hand: asks again for each run and each change.

States do not carry parameters, which change seldom and are many; the page needs them to draw the plant to scale.
"""

import asyncio

import structlog

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.transport.client import snapshot
from bus.transport.request import NotAnsweredError, RefusedError
from ui.feed import Feed
from ui.page_stream import PageStream

INTERVAL = 0.2
"""Seconds between two looks at whether something has changed."""


async def follow(
    feed: Feed, endpoints: Endpoints, module: str, stream: PageStream, log: structlog.stdlib.BoundLogger
) -> None:
    """Ask a module for a snapshot whenever what the page knows of it may have changed, until cancelled.

    Args:
        feed: the plant as heard.
        endpoints: where the module is.
        module: its name.
        stream: gets the parameters, for the pages.
        log: gets a line when the module does not answer, one for each reason.
    """
    known: tuple[str, tuple[str, int]] | None = None
    reason = shown = ""
    while True:
        with feed.lock:
            state = feed.plant.state(module)
            wanted = None if state is None else (state.run, feed.plant.log.changed.get(module, ("", 0)))
        if wanted is not None and wanted != known:
            if wanted[0] != shown:
                stream.forget_geometry(module)  # a new run may have another plant: the old picture would be wrong
            try:
                answer = await snapshot(endpoints, module)
            except (NotAnsweredError, RefusedError, FrameError) as error:
                if str(error) != reason:
                    log.warning("parameters of the module are not known", module=module, reason=str(error))
                reason = str(error)
            else:
                if answer.run == wanted[0]:  # otherwise the run has changed since: the next turn asks again
                    with feed.lock:
                        feed.plant.events.add_past(answer.events)
                    stream.geometry(answer)
                    reason, shown = "", answer.run
                    run, seq = wanted[1]
                    # An instance that lags behind may have answered with values from before the change: ask again.
                    if run != answer.run or answer.seq >= seq:
                        known = wanted
        await asyncio.sleep(INTERVAL)
