"""The stream of states as server-sent events, for curl and for browsers without a WebSocket."""

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bus.protocol.codec import FrameError
from bus.security.tokens import Caller, Role
from nodes.gateway.context import Gateway, Here, ModuleName
from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import Decimation, SessionPace
from nodes.gateway.openapi import EVENTS
from nodes.gateway.problems import Problem, ProblemError
from nodes.gateway.session import Session
from nodes.gateway.subscription import Subscription, of_fields
from nodes.gateway.wire import GapMessage, StaleMessage

router = APIRouter(tags=["data"])

MEDIA_TYPE = "text/event-stream"

KEEP_ALIVE = 5.0
"""Seconds of silence after which a comment is sent: only by sending is a connection that has gone noticed."""

BURST = 64
"""Frames that a client gets at a time while it catches up."""


@router.get("/stream", responses=EVENTS, response_class=Response)
async def stream(
    gateway: Here,
    module: ModuleName,
    rate: Annotated[float | None, Query(ge=0.1, le=1000, description="most events a second (Hz)")] = None,
    every: Annotated[
        int | None, Query(ge=1, le=100_000, description="every tick that is a multiple of this, none left out")
    ] = None,
    fields: Annotated[
        str,
        Query(
            max_length=4096,
            description="parts of the state, as group or group.name, separated by commas; all if left out",
            examples=["chain.speed,grid"],
        ),
    ] = "",
    run: Annotated[str | None, Query(max_length=64, description="run of the last frame that the client has")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="tick of that frame")] = None,
    last: Annotated[
        str | None, Header(alias="Last-Event-ID", description="run and tick of that frame, as run:tick")
    ] = None,
) -> Response:
    """States of a module as server-sent events: the newest ones at a rate, or every n-th tick with none left out."""
    # A browser that reconnects sends this header by itself, to the same URL. If the URL asks for a rate there is
    # nothing to resume, and what it says of `after` comes first. A malformed header is ignored: refused, the browser
    # would give up for good.
    if last and after is None and (rate is None or every is not None):
        run, _, tick = last.rpartition(":")
        after = int(tick) if tick.isascii() and tick.isdigit() and len(tick) < 16 else None
    given = {"rate": rate, "every": every, "run": run or None, "after": after}
    named = {name: str(value) for name, value in given.items() if value is not None}
    wanted = of_fields({"module": module, "fields": fields, **named}, list(gateway.plant.modules))
    if isinstance(wanted, Problem):
        raise ProblemError(wanted)
    return EventStream(gateway, module, wanted)


class EventStream(Response):
    """An answer that lasts until the client leaves or the gateway stops.

    Args:
        gateway: what the routes work with.
        module: whose states.
        wanted: the checked subscription, to that module.
    """

    media_type = MEDIA_TYPE

    def __init__(self, gateway: Gateway, module: str, wanted: Subscription) -> None:
        super().__init__()
        self._gateway = gateway
        self._name = module
        self._module = gateway.plant.modules[module]
        self._session = Session(wanted, binary=False, now=gateway.now(), caller=Caller("", Role.VIEWER))

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves."""
        with self._gateway.streams.one_more():
            # A proxy that collects an answer before it passes it on would hold events back; this keeps nginx from it.
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            writing = asyncio.ensure_future(self._write(send))
            leaving = asyncio.ensure_future(_left(receive))
            try:
                # Both at once: `send` does not fail when the client has gone, only `receive` says so.
                await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    writing.result()  # raises what ended it, if that was an error
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                writing.cancel()
                leaving.cancel()

    async def _write(self, send: Send) -> None:
        rings = self._gateway.plant.rings
        gaps = self._session.subscribe(self._session.wanted, rings, self._gateway.now())
        body = b"".join(_event("gap", gap) for gap in gaps)
        silent = self._gateway.now()
        while not self._gateway.notifier.over:
            body += self._due()
            now = self._gateway.now()
            if not body and now - silent >= KEEP_ALIVE:
                body = b": nothing new\n\n"
            if body:
                # Waits while the client does not read: meanwhile no events are made, so nothing piles up, and the next
                # one has what is newest then.
                await send({"type": "http.response.body", "body": body, "more_body": True})
                body, silent = b"", now
            # Not without end: silence of the plant, which notifies nobody, has to be noticed too.
            await self._gateway.notifier.wait(1.0)

    def _due(self) -> bytes:
        now = self._gateway.now()
        pace = self._session.paces[self._name]
        frame = self._gateway.plant.newest(self._name)
        found = b""
        if isinstance(pace, Decimation):
            ring = self._gateway.plant.rings[self._name]
            if pace.lost(ring):
                head = ring[ring.first].head
                found += _event("gap", GapMessage(head.topic(), head.run, head.seq - 1, head.seq))
            found += b"".join(self._state(each) for each in pace.due(ring, BURST))
        elif isinstance(pace, SessionPace) and frame is not None and self._module.fresh(now) and pace.takes(frame, now):
            found += self._state(frame)
        if found:
            self._session.fresh(self._name)
        elif not self._module.fresh(now) and self._session.to_be_told(self._name):
            missing = [item.name for item in self._gateway.plant.missing(now)]
            found = _event("stale", StaleMessage(missing=missing, age=self._module.age(now)))
        return found

    def _state(self, frame: Frame) -> bytes:
        try:
            text = frame.text(self._session.wanted.selection)
        except FrameError:  # only its head had been checked: the rest is malformed
            self._gateway.plant.bad_frames += 1
            return b""
        return b"id: %b:%d\nevent: state\ndata: %b\n\n" % (frame.head.run.encode(), frame.head.seq, text)


def _event(kind: str, message: GapMessage | StaleMessage) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(message))


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
