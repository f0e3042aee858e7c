"""The gateway's servers and the loop they share."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import structlog
import uvicorn
import uvloop

from bus.protocol.endpoints import Endpoints
from bus.protocol.health import PARTS_MISSING, HealthReport
from bus.security.admission import Admission
from bus.security.hosts import Names
from bus.security.room import Room
from bus.view.roster import other_clients
from catalog.data_folder import DataFolder
from catalog.presets import Presets
from catalog.scenarios import Scenarios
from nodes.gateway import plant_answers, worker_metrics
from nodes.gateway.bus_subscriber import BusSubscriber
from nodes.gateway.commands import Commands
from nodes.gateway.context import Gateway
from nodes.gateway.core import GatewayPlant
from nodes.gateway.notifier import Notifier
from nodes.gateway.rest import application
from nodes.gateway.websocket import MAX_CLIENTS, SILENT, Stream
from runtime.http import settings
from runtime.process import Heart, instance_name
from system import open_files as files
from system.environment_variables import data_folder

PULSE = 0.1
"""Seconds between two looks at what does not come."""

GRACE = 0.4
"""Seconds that connections get to end by themselves."""

READY_TIME = 5.0
"""Seconds within which a worker knows the plant, or serves without."""

SEND_BUFFER = 128 * 1024
"""Bytes that the kernel holds for a REST client."""

REQUESTS = 128
"""Most REST requests of a worker that are under way at a time."""

CONNECTIONS = 2 * REQUESTS
"""Most REST connections of a worker at a time; of those on which nothing is asked the oldest goes for a new one."""

OWN_FILES = 512
"""Files that are left for the bus, for logs and for the sockets of commands that are under way."""

REST, WEBSOCKET = "rest", "websocket"

Doors = dict[str, socket.socket]
"""Listening sockets by what they are for."""


def _report(clients: int, missing: list[str]) -> HealthReport:
    """What a worker reports of itself to the clock."""
    said = f"{clients} clients" + (f", missing {', '.join(missing)}" if missing else "")
    return HealthReport("ok", said, PARTS_MISSING if missing else "")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has more to end than this server."""
        yield


async def _pulse(
    gateway: Gateway, subscriber: BusSubscriber, stream: Stream, heart: Heart, logger: structlog.stdlib.BoundLogger
) -> None:
    """Beat, see to clients when nothing comes, count, and log when something goes missing or comes back."""
    now = asyncio.get_running_loop().time
    plant, commands = gateway.plant, gateway.commands
    deltas = worker_metrics.Deltas()
    said: list[str] = []
    while True:
        missing = plant.missing(now())
        names = [item.name for item in missing]
        tick = plant.tick.seq if plant.tick else 0
        if names != said:
            status = plant_answers.health(plant, missing)
            logger.info("hearing the plant", status=status, missing=names)
            said = names
        clients = stream.clients()
        heart.beat(tick, _report(clients, names), queue=plant.streams.depth, clients=clients)
        subscriber.repair(now())
        stream.pulse()
        for shared, name, total in (
            (worker_metrics.SENT, "sent", stream.sent),
            (worker_metrics.DISMISSED, "dismissed", stream.dismissed),
            (worker_metrics.REPAIRED, "repaired", plant.streams.repaired),
            (worker_metrics.LOST, "lost", plant.streams.lost),
            (worker_metrics.BAD, "bad", plant.bad_frames),
        ):
            deltas.add(shared, name, total)
        worker_metrics.CLIENTS.set(stream.clients())
        worker_metrics.STREAMS.set(gateway.streams.count)
        worker_metrics.BUFFERED.set(stream.buffered())
        worker_metrics.QUEUES.labels("kept_back").set(plant.streams.depth)
        worker_metrics.QUEUES.labels("commands").set(commands.waiting)
        due = now() + PULSE
        await asyncio.sleep(PULSE)
        worker_metrics.LOOP.observe(max(0.0, now() - due))


@dataclass(frozen=True)
class Places:
    """How many connections each door of this process may have, so that files are left for its own work."""

    rest: int
    websocket: int
    clients: int
    """Of the connections of the stream's door."""

    @classmethod
    def of(cls, doors: Collection[str], files_at_most: int) -> "Places":
        """Share what may be open among some doors.

        Args:
            doors: which are served.
            files_at_most: that this process may have open.
        """
        free = max(2, files_at_most - min(OWN_FILES, files_at_most // 2))
        rest = min(CONNECTIONS, free // 2 if WEBSOCKET in doors else free) if REST in doors else 0
        websocket = min(MAX_CLIENTS + SILENT, free - rest)
        return cls(rest, websocket, max(1, websocket - min(SILENT, websocket // 4)))


def _rest(gateway: Gateway, admission: Admission, names: Names, most: int) -> _Server:
    app = application(gateway, admission, names, Room(min(REQUESTS, max(1, most // 2))))
    return _Server(settings(worker_metrics.Measured(app), max(2, most)))


async def _serve(endpoints: Endpoints, doors: Doors, logger: structlog.stdlib.BoundLogger) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plant = GatewayPlant(tuple(item.module for item in endpoints.modules), loop.time())
    commands = Commands(endpoints)
    admission = Admission.from_environment()
    names = Names.from_environment(endpoints.gateway_http.host)
    stream_names = Names.from_environment(endpoints.gateway_websocket.host)
    data = DataFolder(data_folder())
    with contextlib.ExitStack() as resources:
        resources.enter_context(admission.watch(loop.call_soon_threadsafe))
        heart = resources.enter_context(contextlib.closing(Heart(endpoints, "gateway")))
        async with asyncio.TaskGroup() as group:
            worker_metrics.begin()
            places = Places.of(doors, files.limit())
            stream = Stream(
                plant, commands, admission, stream_names, loop.time, group, places.clients, places.websocket
            )
            gateway = Gateway(
                endpoints=endpoints,
                plant=plant,
                commands=commands,
                scenarios=Scenarios.of_plant(),
                presets=Presets(data.presets),
                recordings=data.recordings,
                notifier=Notifier(),
                metrics=lambda: worker_metrics.page(plant),
                clients=lambda: stream.clients() + other_clients(plant.peers, "gateway", instance_name()),
                now=loop.time,
            )
            subscriber = resources.enter_context(
                contextlib.closing(
                    BusSubscriber(endpoints, plant, commands, stream, gateway.notifier, worker_metrics.latency)
                )
            )
            stream.pages["/metrics"] = gateway.metrics
            working = [group.create_task(subscriber.listen(item)) for item in endpoints.publishers()]
            working.append(group.create_task(_pulse(gateway, subscriber, stream, heart, logger)))
            working.append(group.create_task(subscriber.fetch_commands()))
            working += [group.create_task(subscriber.fetch_events(name)) for name in plant.modules]
            rest = _rest(gateway, admission, names, places.rest)
            if REST in doors:  # connections inherit it: a client that takes nothing is noticed soon
                doors[REST].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            await subscriber.ready(READY_TIME, stop)
            serving = [group.create_task(rest.serve([doors[REST]]))] if REST in doors else []
            websocket = await stream.open(doors[WEBSOCKET]) if WEBSOCKET in doors else None
            logger.info("serving", doors=sorted(doors), pid=os.getpid())
            await stop.wait()
            logger.info("stopping")
            rest.should_exit = True
            gateway.notifier.end()
            closing = [asyncio.ensure_future(task) for task in serving]
            if websocket is not None:
                websocket.close()
                closing.append(asyncio.ensure_future(websocket.wait_closed()))
            await asyncio.wait(closing, timeout=GRACE)
            rest.force_exit = True
            stream.cut()
            for task in working:
                task.cancel()


def serve(endpoints: Endpoints, doors: Doors, logger: structlog.stdlib.BoundLogger) -> None:
    """Serve until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(endpoints, doors, logger))
