"""`python -m nodes.gateway`: opens its doors, listens to the bus and serves until SIGTERM or SIGINT.

--door rest|websocket|both   which door this process serves (both)
--fd N                       a listening socket that the process was started with, for one door; several workers
                             that share it share its connections
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn
import uvloop

from bus.endpoints import EndpointError, Endpoints, HttpAddress
from bus.process import Heart, begin, give_up
from bus.security.admission import Admission
from bus.security.binding import require_safe_door
from nodes.gateway import answers, roster
from nodes.gateway.commands import Commands
from nodes.gateway.context import Gateway
from nodes.gateway.core import Plant
from nodes.gateway.http import DeadlineProtocol
from nodes.gateway.listening import Ear
from nodes.gateway.news import News
from nodes.gateway.presets import Presets
from nodes.gateway.rest import application
from nodes.gateway.websocket import Stream

PULSE = 0.1
"""Seconds between two looks at what does not come."""

GRACE = 0.4
"""Seconds that connections get to end by themselves."""

READY_TIME = 3.0
"""Seconds within which a worker knows the plant, or serves without."""

CONNECTIONS = 128
"""Most REST connections of a worker at a time."""

REST, WEBSOCKET = "rest", "websocket"

Doors = dict[str, socket.socket]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has more to end than this server."""
        yield


class _Log(logging.Handler):
    """Takes the libraries' warnings into the log of the process."""

    # Anybody who connects and sends garbage would fill the log with these.
    _OF_CLIENTS = (
        "opening handshake failed",
        "Invalid HTTP request received.",
        "Unsupported upgrade request.",
        "No supported WebSocket library",
        "Exceeded concurrency limit.",
    )

    def __init__(self, logger: structlog.stdlib.BoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith(self._OF_CLIENTS):
            self._logger.log(record.levelno, record.getMessage(), source=record.name, exc_info=record.exc_info)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.gateway", description="REST and WebSocket of the plant.")
    parser.add_argument("--door", choices=[REST, WEBSOCKET, "both"], default="both", help="which door to serve")
    parser.add_argument("--fd", type=int, metavar="N", help="a listening socket that is open already, for one door")
    given = parser.parse_args()
    if given.fd is not None and given.door == "both":
        parser.error("--fd is one socket: name its door with --door")
    return given


def _open(endpoints: Endpoints, door: str, fd: int | None) -> Doors:
    """The listening sockets.

    Raises:
        OSError: naming the address and the variable that moves it.
    """
    addresses = {
        REST: (endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        WEBSOCKET: (endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
    }
    found: Doors = {}
    for name in (REST, WEBSOCKET) if door == "both" else (door,):
        address, variable = addresses[name]
        require_safe_door(address, variable)
        found[name] = _listen(address, variable) if fd is None else socket.socket(fileno=os.dup(fd))
    return found


def _listen(address: HttpAddress, variable: str) -> socket.socket:
    try:
        return socket.create_server((address.host, address.port), backlog=1024)
    except OSError as error:
        raise OSError(f"{variable} {address} cannot be bound: {error.strerror}") from error


async def _pulse(plant: Plant, ear: Ear, stream: Stream, heart: Heart, logger: structlog.stdlib.BoundLogger) -> None:
    """Beat, see to clients when nothing comes, and log when something goes missing or comes back."""
    now = asyncio.get_running_loop().time
    said: list[str] = []
    while True:
        missing = plant.missing(now())
        names = [item.name for item in missing]
        tick = plant.tick.seq if plant.tick else 0
        if names != said:
            status = answers.health(plant, missing)
            logger.info("hearing the plant", status=status, missing=names, run=plant.run, tick=tick)
            said = names
        heart.beat(tick, roster.tell(stream.clients(), names))
        ear.repair(now())
        stream.pulse()
        await asyncio.sleep(PULSE)


def _rest(gateway: Gateway, admission: Admission) -> _Server:
    return _Server(
        uvicorn.Config(
            application(gateway, admission),
            http=DeadlineProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
        )
    )


async def _serve(endpoints: Endpoints, doors: Doors, logger: structlog.stdlib.BoundLogger) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plant = Plant(tuple(item.module for item in endpoints.modules), loop.time())
    commands = Commands(endpoints)
    admission = Admission.from_environment()
    with contextlib.ExitStack() as resources:
        heart = resources.enter_context(contextlib.closing(Heart(endpoints, "gateway")))
        async with asyncio.TaskGroup() as group:
            stream = Stream(plant, commands, admission, endpoints.gateway_websocket.host, loop.time, group)
            gateway = Gateway(
                endpoints=endpoints,
                plant=plant,
                commands=commands,
                scenarios=Path(os.environ.get("KPP_SCENARIOS", "scenarios")),
                presets=Presets(Path(os.environ.get("KPP_DATA", "var")) / "presets"),
                news=News(),
                clients=lambda: stream.clients() + plant.record.roster.other_clients(),
                now=loop.time,
            )
            ear = resources.enter_context(contextlib.closing(Ear(endpoints, plant, commands, stream, gateway.news)))
            working = [group.create_task(ear.listen(item)) for item in endpoints.publishers()]
            working.append(group.create_task(_pulse(plant, ear, stream, heart, logger)))
            working.append(group.create_task(ear.recall()))
            rest = _rest(gateway, admission)
            await ear.ready(READY_TIME)
            serving = [group.create_task(rest.serve([doors[REST]]))] if REST in doors else []
            websocket = await stream.open(doors[WEBSOCKET]) if WEBSOCKET in doors else None
            logger.info("serving", doors=sorted(doors), pid=os.getpid())
            await stop.wait()
            logger.info("stopping")
            rest.should_exit = True
            gateway.news.end()
            closing = [asyncio.ensure_future(task) for task in serving]
            if websocket is not None:
                websocket.close()
                closing.append(asyncio.ensure_future(websocket.wait_closed()))
            await asyncio.wait(closing, timeout=GRACE)
            rest.force_exit = True
            stream.cut()
            for task in working:
                task.cancel()


def main() -> int:
    """Run the node; the exit code is 0 after a signal to stop, 1 when it cannot start."""
    given = _arguments()
    logger = begin("gateway")
    logging.basicConfig(handlers=[_Log(logger)], level=logging.WARNING)
    try:
        endpoints = Endpoints.from_environment(os.environ)
        doors = _open(endpoints, given.door, given.fd)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(endpoints, doors, logger))
    except (OSError, EndpointError) as error:
        return give_up(logger, str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
