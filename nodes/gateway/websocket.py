"""The WebSocket server: hands the newest state to every client at its own rate, and waits for none of them.

It is the server of the `websockets` package and not an ASGI application, because only there a client that takes
nothing can be seen (its write buffer), told (close 1013) and cut off; a frame also costs less there.
"""

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus

from pydantic import BaseModel
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from bus.security import hosts
from bus.security.door import SAFE_HEADERS
from nodes.gateway import answers
from nodes.gateway.core import Plant
from nodes.gateway.problems import MEDIA_TYPE, Problem
from nodes.gateway.session import (
    MAX_MISTAKES,
    MSGPACK,
    SUBPROTOCOLS,
    TAKE_TIME,
    Session,
    StaleMessage,
    pack,
    subprotocol,
    wish,
)

MAX_CLIENTS = 500
MAX_MESSAGE = 64 * 1024
"""Largest message of a client in bytes; a larger one closes the connection with 1009."""

PING = 5.0
"""Seconds between pings, and seconds for the answer."""

OPEN_TIME = 5.0
"""Seconds for the opening handshake."""

FAREWELL = 1.0
"""Seconds for the closing handshake, after which the connection is cut."""

SEND_BUFFER = 64 * 1024
"""Bytes that the kernel holds for a client: frames in there are already old, so there is room for few."""


def _offered(request: Request) -> list[str]:
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


class Stream:
    """All WebSocket clients of one gateway.

    Args:
        plant: where frames come from.
        bound: host that the server is bound to.
        now: the clock that the view of the plant is kept by (s).
        group: runs what outlasts a call; a defect there ends the process.
        limit: most clients at a time.
    """

    def __init__(
        self, plant: Plant, bound: str, now: Callable[[], float], group: asyncio.TaskGroup, limit: int = MAX_CLIENTS
    ) -> None:
        self._plant = plant
        self._bound = bound
        self._now = now
        self._group = group
        self._limit = limit
        self._sessions: dict[str, dict[ServerConnection, Session]] = {name: {} for name in plant.modules}
        self._turn = dict.fromkeys(plant.modules, 0.0)

    def clients(self) -> int:
        """How many clients are connected."""
        return sum(map(len, self._sessions.values()))

    async def open(self, listening: socket.socket) -> Server:
        """Begin to serve on a bound socket; the caller closes what is returned."""
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # connections inherit it
        return await serve(
            self._converse,
            sock=listening,
            process_request=self._admit,
            select_subprotocol=self._select,
            compression=None,  # costs fifteen times the CPU of everything else
            max_size=MAX_MESSAGE,
            max_queue=4,
            open_timeout=OPEN_TIME,
            ping_interval=PING,
            ping_timeout=PING,
            close_timeout=FAREWELL,
            server_header=None,
        )

    def cut(self) -> None:
        """End every connection at once."""
        for sessions in self._sessions.values():
            for connection in sessions:
                connection.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no handshake, refuse what is not in order, let the rest pass."""
        path, _, query = request.path.partition("?")
        headers = request.headers
        refusal = hosts.check(headers.get_all("Host"), headers.get_all("Origin"), self._bound, hosts.named())
        problem = None if refusal is None else Problem.refusal(refusal)
        if problem is None and path == "/":
            hello = answers.hello(self._plant, self.clients(), list(SUBPROTOCOLS), self._now())
            return _response(connection, 200, hello, "application/json")
        if problem is None and path != "/ws":
            problem = Problem.of(404, "http", "there is nothing here: try / or /ws")
        if problem is None and "Upgrade" not in headers:
            problem = Problem.of(426, "upgrade", "this is a WebSocket: connect with ws://")
        if problem is None and self.clients() >= self._limit:
            problem = Problem.of(503, "too-many", f"{self._limit} clients are connected: try again later")
        for judged in (subprotocol(_offered(request)), wish(query, list(self._plant.modules))):
            if problem is None and isinstance(judged, Problem):
                problem = judged
        return None if problem is None else _response(connection, problem.status, problem, MEDIA_TYPE)

    @staticmethod
    def _select(_connection: ServerConnection, offered: object) -> Subprotocol | None:
        names = [str(name) for name in offered] if isinstance(offered, list | tuple) else []
        chosen = subprotocol(names)
        return Subprotocol(chosen) if isinstance(chosen, str) else None

    async def _converse(self, connection: ServerConnection) -> None:
        request = connection.request
        wished = wish(request.path.partition("?")[2] if request else "", list(self._plant.modules))
        if isinstance(wished, Problem):
            raise TypeError("a connection was admitted whose wish is none")
        session = Session(wished, binary=connection.subprotocol == MSGPACK, now=self._now())
        sessions = self._sessions[session.module]
        sessions[connection] = session
        self._attend(session.module)
        try:
            async for message in connection:
                answer = session.hear(message, self._now())
                await connection.send(pack(answer, binary=session.binary))
                if session.mistakes >= MAX_MISTAKES:
                    await self._dismiss(connection, 1008, f"{MAX_MISTAKES} messages made no sense")
                self._attend(session.module)
        except ConnectionClosed:
            return
        finally:
            sessions.pop(connection, None)

    def _attend(self, module: str) -> None:
        self._turn[module] = 0.0
        self.sweep(module, self._now())

    def pulse(self) -> None:
        """To be called about ten times a second: sees to stale data and stuck clients when no frame comes."""
        for module in self._plant.modules:
            self._attend(module)

    def sweep(self, module: str, now: float) -> None:
        """Give every client whose turn it is the newest frame of a module. To be called for each new frame."""
        if now < self._turn[module] or not self._sessions[module]:
            return
        frame = self._plant.newest(module)
        fresh = frame is not None and self._plant.modules[module].fresh(now)
        due: list[ServerConnection] = []
        due_binary: list[ServerConnection] = []
        stuck: list[ServerConnection] = []
        for connection, session in self._sessions[module].items():
            pending = connection.transport.get_write_buffer_size()
            if session.stuck(pending, now):
                stuck.append(connection)
            elif pending:
                continue  # it still has not taken the last one; what is newest when it has is what it gets
            elif not fresh:
                if session.to_be_told():
                    self._tell_stale(connection, session, now)
            elif frame is not None and session.takes(frame, now):
                (due_binary if session.binary else due).append(connection)
        if frame is not None:
            if due:
                broadcast(due, frame.text())
            if due_binary:
                broadcast(due_binary, frame.payload)
        for connection in stuck:
            del self._sessions[module][connection]
            self._group.create_task(self._dismiss(connection, 1013, f"nothing was taken for {TAKE_TIME:g} s"))
        self._turn[module] = min((session.turn for session in self._sessions[module].values()), default=0.0)

    def _tell_stale(self, connection: ServerConnection, session: Session, now: float) -> None:
        missing = [item.name for item in self._plant.missing(now)]
        notice = StaleMessage(missing=missing, age=self._plant.modules[session.module].age(now))
        broadcast([connection], pack(notice, binary=session.binary))

    @staticmethod
    async def _dismiss(connection: ServerConnection, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(FAREWELL):
                await connection.close(code, reason)
        except TimeoutError:
            connection.transport.abort()


def _response(connection: ServerConnection, status: int, content: BaseModel, media_type: str) -> Response:
    response = connection.respond(
        HTTPStatus(status), content.model_dump_json(exclude_none=isinstance(content, Problem))
    )
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = media_type
    for name, value in SAFE_HEADERS.items():
        response.headers[name] = value
    return response
