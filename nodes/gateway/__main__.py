"""`python -m nodes.gateway`: opens the sockets, listens to the bus and serves until SIGTERM or SIGINT."""

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
from bus.messages import Result, Tick
from bus.process import Heart, begin
from bus.security.admission import Admission
from bus.security.binding import require_safe_door
from bus.security.keys import SecurityError
from bus.sockets import AsyncSubscriber
from nodes.gateway import answers, roster
from nodes.gateway.commands import Commands
from nodes.gateway.context import Gateway
from nodes.gateway.core import Plant
from nodes.gateway.frame import StateHead
from nodes.gateway.presets import Presets
from nodes.gateway.rest import application
from nodes.gateway.websocket import Stream

PULSE = 0.1
"""Seconds between two looks at what does not come."""

SILENCE = 2.0
"""Seconds without a frame after which a publisher is connected anew: an oversized frame ends a connection for good."""

YIELD_EVERY = 64
"""Frames of a burst that are worked off before others get their turn."""

GRACE = 0.4
"""Seconds that connections get to end by themselves."""

CONNECTIONS = 128
"""Most REST connections at a time."""

TOPICS = ("tick", "status", "state/", "event/", "result/")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has more to end than this server."""
        yield


class _Log(logging.Handler):
    """Takes the libraries' warnings into the log of the process."""

    def __init__(self, logger: structlog.stdlib.BoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        # Anybody who connects and sends garbage would fill the log with tracebacks.
        if record.msg != "opening handshake failed":
            self._logger.log(record.levelno, record.getMessage(), source=record.name, exc_info=record.exc_info)


def _listen(address: HttpAddress) -> socket.socket:
    host = address.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, address.port), family=family, backlog=1024)


async def _hear(address: str, plant: Plant, commands: Commands, stream: Stream) -> None:
    """Take in what one publisher says, for ever."""
    with AsyncSubscriber([address], TOPICS) as subscriber:
        while True:
            with contextlib.suppress(TimeoutError):
                await _hear_until_silent(subscriber, plant, commands, stream)
            subscriber.renew()


async def _hear_until_silent(subscriber: AsyncSubscriber, plant: Plant, commands: Commands, stream: Stream) -> None:
    """Take in frames until none comes for SILENCE; raises TimeoutError then."""
    now = asyncio.get_running_loop().time
    count = 0
    malformed = subscriber.malformed
    async with asyncio.timeout(SILENCE) as deadline:
        while True:
            topic, payload = await subscriber.receive()
            moment = now()
            deadline.reschedule(moment + SILENCE)
            plant.bad_frames += subscriber.malformed - malformed
            malformed = subscriber.malformed
            message = plant.on(topic, payload, moment)
            if isinstance(message, StateHead):
                stream.sweep(message.module, moment)
            elif message is not None:
                if isinstance(message, Result):
                    commands.heard(message)
                elif isinstance(message, Tick):
                    for command in message.commands:
                        commands.noted(command)
                stream.heard(message)
            count += 1
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)


async def _pulse(plant: Plant, stream: Stream, heart: Heart, logger: structlog.stdlib.BoundLogger) -> None:
    """Beat, see to clients when nothing comes, and log when something goes missing or comes back."""
    now = asyncio.get_running_loop().time
    said: list[str] = []
    while True:
        missing = plant.missing(now())
        names = [item.name for item in missing]
        if names != said:
            logger.info("hearing the plant", status=answers.health(plant, missing), missing=names)
            said = names
        heart.beat(plant.tick.seq if plant.tick else 0, roster.tell(stream.clients(), names))
        stream.pulse()
        await asyncio.sleep(PULSE)


async def _serve(
    endpoints: Endpoints, listening: tuple[socket.socket, socket.socket], logger: structlog.stdlib.BoundLogger
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plant = Plant(tuple(item.module for item in endpoints.modules), loop.time())
    commands = Commands(endpoints)
    heart = Heart(endpoints, "gateway")
    with contextlib.closing(heart):
        async with asyncio.TaskGroup() as group:
            admission = Admission.from_environment()
            stream = Stream(plant, commands, admission, endpoints.gateway_websocket.host, loop.time, group)
            scenarios = Path(os.environ.get("KPP_SCENARIOS", "scenarios"))
            data = Path(os.environ.get("KPP_DATA", "var"))

            def clients() -> int:
                return stream.clients() + plant.roster.other_clients()

            gateway = Gateway(endpoints, plant, commands, scenarios, Presets(data / "presets"), clients, loop.time)
            rest = _Server(
                uvicorn.Config(
                    application(gateway, admission),
                    ws="none",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    proxy_headers=False,
                    limit_concurrency=CONNECTIONS,
                )
            )
            serving = group.create_task(rest.serve([listening[0]]))
            websocket = await stream.open(listening[1])
            working = [group.create_task(_hear(item, plant, commands, stream)) for item in endpoints.publishers()]
            working.append(group.create_task(_pulse(plant, stream, heart, logger)))
            logger.info("serving", rest=str(endpoints.gateway_http), websocket=str(endpoints.gateway_websocket))
            await stop.wait()
            logger.info("stopping")
            rest.should_exit = True
            websocket.close()
            await asyncio.wait([serving, asyncio.ensure_future(websocket.wait_closed())], timeout=GRACE)
            rest.force_exit = True
            stream.cut()
            for task in working:
                task.cancel()


def main() -> int:
    """Run the node; the exit code is 0 after a signal to stop, 1 when it cannot start."""
    logger = begin("gateway")
    logging.basicConfig(handlers=[_Log(logger)], level=logging.WARNING)
    try:
        endpoints = Endpoints.from_environment(os.environ)
    except EndpointError as error:
        logger.error("cannot start", reason=str(error))
        return 1
    listening = []
    for address, variable in (
        (endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        (endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
    ):
        try:
            require_safe_door(address, variable)
            listening.append(_listen(address))
        except SecurityError as error:
            logger.error("cannot start", reason=str(error))
            return 1
        except OSError as error:
            logger.error("cannot start", reason=f"{variable} {address} cannot be bound: {error.strerror}")
            return 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(endpoints, (listening[0], listening[1]), logger))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
