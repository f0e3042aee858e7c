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
"""Seconds between two looks at publishers and clients that have fallen silent."""

GRACE = 0.4
"""Seconds that connections get to end by themselves when the process stops."""

READY_TIME = 5.0
"""Seconds that a new worker takes at most to get to know the plant; after that it serves what it knows."""

SEND_BUFFER = 128 * 1024
"""Bytes that the kernel may hold for a REST client that does not read."""

REQUESTS = 128
"""Most REST requests that a worker answers at a time."""

CONNECTIONS = 2 * REQUESTS
"""Most REST connections of a worker at a time; a further one replaces the connection that has been idle longest."""

OWN_FILES = 512
"""Open files that are kept for the bus, for logs and for the sockets of commands under way."""

REST, WEBSOCKET = "rest", "websocket"

Doors = dict[str, socket.socket]
"""Listening sockets by the door that they belong to."""


def _report(clients: int, missing: list[str]) -> HealthReport:
    """What a worker reports of itself to the clock."""
    said = f"{clients} clients" + (f", missing {', '.join(missing)}" if missing else "")
    # A worker that does not hear a part of the plant still does all of its own work. "degraded" is shown as an alarm,
    # and would blame the gateway for what another node lacks.
    return HealthReport("ok", said, PARTS_MISSING if missing else "")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has more to end than this server.

        uvicorn would install handlers of its own here, and raise the signal again once it has stopped.
        """
        yield


async def _pulse(
    gateway: Gateway, subscriber: BusSubscriber, stream: Stream, heart: Heart, logger: structlog.stdlib.BoundLogger
) -> None:
    """Ten times a second: beat, repair, look after clients, count, and log which parts of the plant are missing.

    Whatever has to happen although no message arrives happens here.
    """
    now = asyncio.get_running_loop().time
    plant, commands = gateway.plant, gateway.commands
    deltas = worker_metrics.Deltas()
    said: list[str] = []
    while True:
        missing = plant.missing(now())
        names = [item.name for item in missing]
        tick = plant.tick.seq if plant.tick else 0
        if names != said:  # a line for each change, not ten a second
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
        # How late the sleep ends is how long other tasks kept the loop: the delay that every client sees as well.
        worker_metrics.LOOP.observe(max(0.0, now() - due))


@dataclass(frozen=True)
class Places:
    """How many connections each door of this process may have, so that open files are left for its own work.

    A process that is out of files cannot even refuse a connection, and libzmq ends one that has no file for a socket.
    """

    rest: int
    websocket: int
    clients: int
    """How many of the connections to the WebSocket door may be clients."""

    @classmethod
    def of(cls, doors: Collection[str], files_at_most: int) -> "Places":
        """Divide the files that this process may have open.

        Args:
            doors: those that it serves.
            files_at_most: its limit of open files.
        """
        # Where there are few files, connections get half of them and the process's own work the other half.
        free = max(2, files_at_most - min(OWN_FILES, files_at_most // 2))
        rest = min(CONNECTIONS, free // 2 if WEBSOCKET in doors else free) if REST in doors else 0
        websocket = min(MAX_CLIENTS + SILENT, free - rest)
        return cls(rest, websocket, max(1, websocket - min(SILENT, websocket // 4)))


def _rest(gateway: Gateway, admission: Admission, names: Names, most: int) -> _Server:
    # Twice as many connections as requests: the rest can still be told that there is no room.
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
        # Changed tokens are noticed by a thread, but connections may be ended by the loop alone.
        resources.enter_context(admission.watch(loop.call_soon_threadsafe))
        heart = resources.enter_context(contextlib.closing(Heart(endpoints, "gateway")))
        # A defect in any task ends the group and with it the process, which supervisord starts again. If a task could
        # die alone, the gateway might go on accepting connections and hear nothing of the plant.
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
            if REST in doors:
                # Accepted connections inherit it. Left alone, the kernel's buffer grows to megabytes, and until it is
                # full a client that reads nothing cannot be told from one that reads everything.
                doors[REST].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            # Before anything is accepted: workers share the socket, and one that knows the plant serves better.
            await subscriber.ready(READY_TIME, stop)
            serving = [group.create_task(rest.serve([doors[REST]]))] if REST in doors else []
            websocket = await stream.open(doors[WEBSOCKET]) if WEBSOCKET in doors else None
            logger.info("serving", doors=sorted(doors), pid=os.getpid())
            await stop.wait()
            logger.info("stopping")
            # The order matters: accept nothing more; end the event streams, which never end by themselves; let answers
            # under way be completed; cut what is left. The listening tasks go last: answers wait for what they hear.
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
    """Serve until SIGTERM or SIGINT.

    Args:
        endpoints: addresses of the plant.
        doors: listening sockets by REST and WEBSOCKET; only these doors are served.
        logger: gets a line for each change of state.

    Raises:
        OSError: if a socket, a folder or a setting of the environment cannot be used, with the reason.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(endpoints, doors, logger))
