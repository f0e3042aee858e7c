"""The dashboard's shell: the feed, the web server, and the loop in which everything but the feed runs."""

import asyncio
import gc
import uuid
from typing import Any

import panel as pn
import structlog
from panel.io.server import get_server

from bus.protocol.endpoints import Endpoints
from bus.protocol.health import HealthReport
from bus.protocol.messages import Result
from bus.protocol.schema import PROTOCOL_VERSION
from bus.security import hosts
from bus.security.access_middleware import MAX_HEAD
from bus.security.admission import Admission
from bus.security.binding import require_safe_door
from bus.security.hosts import Names
from bus.security.keys import SecurityError
from bus.transport.client import Commander
from catalog.data_folder import DataFolder
from catalog.presets import Presets
from catalog.scenarios import Scenarios
from kpp_physics.parameters import DECLARATIONS
from runtime.process import Heart, StopSignal, give_up
from system.environment_variables import data_folder
from system.interfaces import failure
from ui import displayed_channels
from ui.access_matcher import AccessMatcher
from ui.app import TITLE, Sessions
from ui.conventions import keep
from ui.dimensions import follow
from ui.feed import Feed
from ui.frames import LAYOUT
from ui.health_handlers import HealthHandler, MetricsHandler
from ui.lab import Lab
from ui.page_stream import INTERVAL, PageStream, StreamHandler
from ui.places import counted
from ui.questions import Questions
from ui.replays import Replays
from ui.sequence import ORDERS, interlocks


def serve(endpoints: Endpoints, log: structlog.stdlib.BoundLogger) -> int:
    """Serve the dashboard until told to stop.

    Args:
        endpoints: addresses of the plant.
        log: gets a line for each change of state.

    Returns:
        The exit code: 0 after a signal to stop, 1 if the dashboard cannot run.
    """
    try:
        asyncio.run(_serve(endpoints, log))
    except SecurityError as error:
        return give_up(log, str(error))
    except OSError as error:
        reason = failure(endpoints.ui_http.host, endpoints.ui_http.port, error)
        return give_up(log, f"KPP_UI_HTTP {endpoints.ui_http} cannot be bound: {reason}")
    log.info("dashboard stopped")
    return 0


async def _serve(endpoints: Endpoints, log: structlog.stdlib.BoundLogger) -> None:
    feed = Feed(endpoints)
    commander = Commander(endpoints)
    loop = asyncio.get_running_loop()

    def pass_on(result: Result) -> None:
        loop.call_soon_threadsafe(commander.heard, result)  # from the feed's thread into the loop

    feed.on_result(pass_on)
    stream = PageStream(feed.plant, feed.lock, _hello())
    data = DataFolder(data_folder())
    replays = Replays(data, stream.tell_replay)
    names = Names.from_environment(endpoints.ui_http.host, variables=(hosts.VARIABLE, hosts.UI_VARIABLE))
    admission = Admission.from_environment()
    watching = admission.watch(loop.call_soon_threadsafe)
    access = AccessMatcher(names, admission)
    questions = Questions(commander, Presets(data.presets), Lab(), replays)
    sessions = Sessions(commander, questions, access.caller)
    server = _server(endpoints, feed, stream, sessions, access)
    stop = StopSignal()
    heart = Heart(endpoints, "ui")

    async def pulse() -> None:
        # Not a PeriodicCallback of Tornado: it goes by the wall clock, and stands still for an hour if that is set back
        # by an hour.
        due = loop.time()
        while not stop and feed.alive:
            stream.send()
            tick = feed.plant.tick
            streams = feed.plant.streams
            queue = stream.unacknowledged + streams.depth
            said = HealthReport("ok", f"{len(stream)} pages")
            heart.beat(0 if tick is None else tick.seq, said, streams.repaired, queue, clients=len(stream))
            due = max(due + INTERVAL, loop.time())  # turns that were missed are dropped, not made up for
            await asyncio.sleep(due - loop.time())

    # Collections were off while modules were loaded. What is there now stays for good and is frozen, so that a full
    # collection looks at sessions alone: it is short, and what closed pages leave goes soon.
    gc.enable()
    gc.collect()
    gc.freeze()
    feed.start()
    server.start()
    following = [follow(feed, endpoints, module, stream, log) for module in stream.modules]
    tasks = [asyncio.create_task(each) for each in (pulse(), *following)]
    log.info("dashboard started", address=str(endpoints.ui_http), modules=stream.modules)
    done, working = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()  # raises what ended it, if that was an error
    for task in working:
        task.cancel()
    server.stop()
    await replays.stop()  # a child that is left would be killed with this process, without a chance to close its files
    heart.close()
    watching.close()
    if not feed.alive:
        raise RuntimeError("the thread that hears the bus has ended")


HEADER_TIME = 10.0
"""Seconds within which the header of a request has to come, also on a connection that was kept open, and then its body.
"""

BODY_MAX = 64 * 1024
"""Largest body of a request in bytes; pages send none."""

MESSAGE_MAX = 1024 * 1024
"""Largest message of a page to Panel in bytes."""


def _hello() -> dict[str, Any]:
    """What every page is sent first; a new boot id tells it that its session is gone and that it has to load again."""
    return {
        "type": "hello",
        "boot": uuid.uuid4().hex,
        "protocol": PROTOCOL_VERSION,
        "layout": LAYOUT,
        "interval": INTERVAL,
        "series": displayed_channels.table(displayed_channels.SERIES),
        "readings": displayed_channels.table(displayed_channels.READINGS),
        "orders": ORDERS,
        "interlocks": interlocks(),
        "declarations": [declaration.as_dict() for declaration in DECLARATIONS.values()],
    }


def _server(endpoints: Endpoints, feed: Feed, stream: PageStream, sessions: Sessions, access: AccessMatcher) -> Any:
    address = endpoints.ui_http
    require_safe_door(address, "KPP_UI_HTTP")
    pn.config.reconnect = False  # a session does not outlive its server; the page notices and loads itself again
    server = get_server(
        {"/": sessions.page},
        port=address.port,
        address=address.host,
        title=TITLE,
        show=False,
        start=False,
        verbose=False,
        liveness=True,
        warm=True,
        location=False,  # Panel's own entries in the browser's history would come between ours
        # Short, so that what closed pages leave goes soon. A page that connects later than this gets a new session.
        unused_session_lifetime_milliseconds=3_000,
        check_unused_sessions_milliseconds=2_000,
        extra_patterns=[
            ("/stream", StreamHandler, {"stream": stream, "scenarios": lambda: Scenarios.of_plant().offered()}),
            ("/health", HealthHandler, {"feed": feed, "stream": stream, "sessions": sessions}),
            ("/metrics", MetricsHandler, {"feed": feed, "stream": stream, "sessions": sessions}),
        ],
        websocket_max_message_size=MESSAGE_MAX,
        http_server_kwargs={
            "max_header_size": MAX_HEAD,
            "idle_connection_timeout": HEADER_TIME,
            "max_body_size": BODY_MAX,
            "body_timeout": HEADER_TIME,
        },
    )
    application = server._tornado  # noqa: SLF001  # it has no public name
    # Bokeh compares origins as texts, with their ports, which is wrong behind a proxy. The access check has judged
    # every request before Bokeh sees it, those of WebSockets included.
    application._websocket_origins = {"*"}  # noqa: SLF001  # as above; as a setting, it would warn
    # In this order: the conventions cover the handlers that are there by now, and the access check stands before all.
    places = counted(server._http)  # noqa: SLF001  # as above
    keep(application, places.answered)
    access.came = places.asks
    access.shut(application)
    return server
