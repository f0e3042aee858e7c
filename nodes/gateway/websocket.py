"""The WebSocket server: hands the newest state to every client at its own rate, and waits for none of them.

It is the server of the `websockets` package and not an ASGI application, because only there can a client that reads
nothing be noticed (by its write buffer), be told so (close code 1013) and be cut off; a frame also costs less there.
What many clients get is framed once and written to each transport as it is. That is safe because this server neither
compresses nor fragments messages, so that a frame never depends on the ones before it.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec
from pydantic import BaseModel
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from bus.protocol.messages import EMERGENCY_STOP, Event, Published, Result, Status, Tick
from bus.security import cors, hosts
from bus.security.access_middleware import SAFE_HEADERS, refusal_headers
from bus.security.admission import Admission
from bus.security.connections import Connections
from bus.security.hosts import Names, Refusal
from bus.security.roles import command_role, lacking
from bus.security.tokens import Caller, Role, bearer
from nodes.gateway import plant_answers
from nodes.gateway.commands import Commands
from nodes.gateway.core import GatewayPlant
from nodes.gateway.delivery import BACKLOG, Delivery
from nodes.gateway.frame_encoding import framed
from nodes.gateway.malformed import Explained
from nodes.gateway.problems import MEDIA_TYPE, Problem, ProblemError
from nodes.gateway.session import (
    MAX_MISTAKES,
    MSGPACK,
    SUBPROTOCOLS,
    TAKE_TIME,
    Session,
    snapshot,
    subprotocol,
    token_offered,
)
from nodes.gateway.subscription import Subscription, of_message, of_query
from nodes.gateway.wire import (
    AppliedMessage,
    AuthenticatedMessage,
    AuthMessage,
    CommandMessage,
    ErrorMessage,
    ProblemMessage,
    RateMessage,
    ServerMessage,
    SubscribeMessage,
    pack,
)

MAX_CLIENTS = 2000
"""Most clients of a worker."""

SILENT = 256
"""Connections beside those of clients, which have not shown who they are; a new one replaces the oldest of them."""

MAX_MESSAGE = 64 * 1024
"""Largest message of a client in bytes; a larger one closes the connection with code 1009."""

MAX_COMMANDS = 16
"""Commands of one client that may be under way at a time."""

URGENT_COMMANDS = 2 * MAX_COMMANDS
"""The same for emergency stops, which are exempt from rates: there is room for one, whatever else is under way."""

READING = frozenset({"GET", "HEAD"})
METHODS = "GET, HEAD, OPTIONS"

PING = 20.0
"""Seconds between pings, and seconds for the answer; a client that gets frames and reads none is noticed earlier."""

OPEN_TIME = 5.0
"""Seconds within which the opening handshake has to be complete."""

AUTH_TIME = 2.0
"""Seconds within which the first message has to show a token."""

TOO_MANY_RETRY = 5
"""Seconds after which a client for which there was no room should try again."""

FAREWELL = 1.0
"""Seconds for the closing handshake, after which the connection is cut."""

SEND_BUFFER = 64 * 1024
"""Bytes that the kernel may hold for a client: frames grow old there, so there is room for few."""

Page = Callable[[], tuple[str, bytes]]
"""Gives media type and content of a page that is served beside the stream."""


def _offered(headers: Headers) -> list[str]:
    values = headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _write(connection: ServerConnection, data: bytes) -> None:
    """Write a complete frame without waiting; a connection that is closing gets nothing more."""
    if connection.protocol.state is OPEN:
        connection.transport.write(data)


def _counted_by(connections: Connections[ServerConnection]) -> type[ServerConnection]:
    """A class of connections that are counted from their first byte, and not only once they are clients.

    The library calls its handlers after the handshake; connections that never complete one would be counted by nobody
    and could use up the files of the process.
    """

    class Counted(Explained):
        """A connection that gives up its place to others if it never says who it is."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            """Take a place; if there is none, the connection that has been silent longest has to go."""
            super().connection_made(transport)
            peer = self.remote_address
            gone = connections.opened(self, str(peer[0]) if peer else "")
            if gone is not None:
                gone.transport.abort()  # no farewell: it has not even asked for anything yet

        def connection_lost(self, exc: Exception | None) -> None:
            """Give the place back."""
            connections.closed(self)
            super().connection_lost(exc)

    return Counted


class Stream:
    """All WebSocket clients of one worker. For one loop.

    Args:
        plant: where frames come from.
        commands: where commands go.
        admission: who is let in.
        names: who we are, and whose pages may use the server.
        now: the clock that the view of the plant is kept by (s).
        group: runs what outlasts a call; a defect there ends the process.
        limit: most clients at a time.
        most: most connections at a time. They are more than the clients, so that a further client can be told that
            there is no room, and for those that have yet to show a token.
    """

    def __init__(
        self,
        plant: GatewayPlant,
        commands: Commands,
        admission: Admission,
        names: Names,
        now: Callable[[], float],
        group: asyncio.TaskGroup,
        limit: int = MAX_CLIENTS,
        most: int = MAX_CLIENTS + SILENT,
    ) -> None:
        self._plant = plant
        self._commands = commands
        self._admission = admission
        admission.on_change(self._dismiss_withdrawn)
        self._names = names
        self._now = now
        self._group = group
        self._limit = limit
        self._connections: Connections[ServerConnection] = Connections(most)
        self._sessions: dict[ServerConnection, Session] = {}
        self._listeners: dict[str, dict[ServerConnection, Session]] = {}
        self._delivery = Delivery(plant, lambda client, message: self._tell(client.connection, client.session, message))
        self.pages: dict[str, Page] = {}
        """Pages that are served beside the stream, by path."""
        self.dismissed = 0
        """Clients that were disconnected because they read nothing."""

    def _dismiss_withdrawn(self) -> None:
        """Close the connections of callers whose token was withdrawn: a token is looked at only when they connect."""
        # The tasks begin after this call, so the dict does not change while it is walked.
        for connection, session in self._sessions.items():
            if not self._admission.knows(session.caller):
                self._group.create_task(self._dismiss(connection, 1008, "this token was withdrawn"))

    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._sessions)

    @property
    def sent(self) -> int:
        """How many state frames were sent."""
        return self._delivery.sent

    async def open(self, listening: socket.socket) -> Server:
        """Begin to serve on a listening socket; the caller closes the server that is returned."""
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted connections inherit it
        return await serve(
            self._converse,
            sock=listening,
            process_request=self._admit,
            process_response=self._finish,
            create_connection=_counted_by(self._connections),
            select_subprotocol=self._select,
            compression=None,  # costs fifteen times the CPU of everything else
            max_size=MAX_MESSAGE,
            max_queue=4,  # then the library stops reading: who floods us with messages fills its own buffers
            open_timeout=OPEN_TIME,
            ping_interval=PING,
            ping_timeout=PING,
            close_timeout=FAREWELL,
            server_header=None,
        )

    def buffered(self) -> int:
        """Bytes that wait in this process because clients do not read."""
        return sum(connection.transport.get_write_buffer_size() for connection in self._sessions)

    def cut(self) -> None:
        """End every connection at once, without a farewell: the process has no time left to wait for clients."""
        for connection in self._sessions:
            connection.transport.abort()

    # Who comes in

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Decide on a request: let a handshake pass (None), or answer it here.

        The library hands every request to this, so plain requests for pages are answered here too.
        """
        path, _, query = request.path.partition("?")
        # Before anything is looked at or said: who is not let in learns not even which paths there are.
        refusal = self._refusal(connection, request.headers)
        if refusal is not None:
            told = Problem.refusal(refusal)
            return self._response(connection, refusal.status, told, MEDIA_TYPE, refusal_headers(refusal))
        if path in {"/", "/ws", *self.pages} and request.method == "OPTIONS":
            return self._response(connection, 204, b"", "", {"Allow": METHODS})
        if path == "/" and request.method in READING:
            hello = plant_answers.hello(self._plant, self.clients(), list(SUBPROTOCOLS), self._now())
            return self._response(connection, 200, hello, "application/json")
        if path in self.pages and request.method in READING:
            media_type, content = self.pages[path]()
            return self._response(connection, 200, content, media_type)
        problem = self._problem(path, query, request)
        if problem is None:
            return None
        headers = {405: {"Allow": METHODS}, 503: {"Retry-After": str(TOO_MANY_RETRY)}}.get(problem.status, {})
        return self._response(connection, problem.status, problem, MEDIA_TYPE, headers)

    def _problem(self, path: str, query: str, request: Request) -> Problem | None:
        """Why a handshake is refused; None if it is in order."""
        if path not in {"/", "/ws", *self.pages}:
            return Problem.of(404, "http", "there is nothing at this path: use / or /ws")
        if request.method not in READING:
            detail = f"{request.method[:32]} is not possible here: the header Allow names the methods that are"
            return Problem.of(405, "http", detail)
        if "Upgrade" not in request.headers:
            return Problem.of(426, "upgrade", "this is a WebSocket: connect with ws:// instead of http://")
        if self.clients() >= self._limit:
            detail = f"{self._limit} clients are connected to this worker: try again in {TOO_MANY_RETRY} s"
            return Problem.of(503, "too-many", detail)
        # Judged now, while a problem can still be answered with a status; `_converse` reads the same query again.
        for judged in (subprotocol(_offered(request.headers)), of_query(query, list(self._plant.modules))):
            if isinstance(judged, Problem):
                return judged
        return None

    def _finish(self, connection: ServerConnection, _request: Request, response: Response) -> Response | None:
        """Give a refusal by the library itself the form of every other problem; None leaves the response as it is."""
        if response.status_code < HTTPStatus.BAD_REQUEST or response.headers.get("Content-Type") == MEDIA_TYPE:
            return None
        detail = (response.body or b"").decode(errors="replace").strip() or response.reason_phrase
        status = response.status_code if response.status_code in set(HTTPStatus) else HTTPStatus.BAD_REQUEST
        given = {name: value for name, value in response.headers.raw_items() if name in {"Upgrade", "Allow"}}
        told = Problem.of(int(status), "handshake", detail)
        return self._response(connection, int(status), told, MEDIA_TYPE, given)

    def _response(
        self,
        connection: ServerConnection,
        status: int,
        content: BaseModel | bytes,
        media_type: str,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        """An answer to a request that is no handshake, or a refused one."""
        body = content
        if isinstance(body, BaseModel):
            body = body.model_dump_json(exclude_none=isinstance(content, Problem)).encode()
        response = connection.respond(HTTPStatus(status), body.decode())
        del response.headers["Content-Type"]  # headers are a multimap: setting it would add a second one
        origins = [] if connection.request is None else connection.request.headers.get_all("Origin")
        more = {**SAFE_HEADERS, **cors.shared(origins, self._names), **headers}
        for name, value in {**more, **({"content-type": media_type} if media_type else {})}.items():
            response.headers[name] = value
        return response

    def _refusal(self, connection: ServerConnection, headers: Headers) -> Refusal | None:
        refusal = hosts.check(headers.get_all("Host"), headers.get_all("Origin"), self._names)
        if refusal is None:
            # A client of the stream may still show a token in its first message; any other request needs it at once.
            token = _token(headers)
            needed = Role.PUBLIC if token is None and "Upgrade" in headers else Role.VIEWER
            caller = self._admission.admit(token, needed, self._address(connection, headers), self._now())
            refusal = caller if isinstance(caller, Refusal) else None
        return refusal

    def _address(self, connection: ServerConnection, headers: Headers) -> str:
        peer = connection.remote_address
        return self._admission.proxies.client(str(peer[0]) if peer else "", headers.get_all("X-Forwarded-For"))

    @staticmethod
    def _select(_connection: ServerConnection, offered: object) -> Subprotocol | None:
        names = [str(name) for name in offered] if isinstance(offered, list | tuple) else []
        chosen = subprotocol(names)
        # A client fails the connection if the answer names a subprotocol that it has not offered.
        return Subprotocol(chosen) if isinstance(chosen, str) and chosen in names else None

    async def _caller(self, connection: ServerConnection, headers: Headers) -> Caller | None:
        """Who this is, by the token of the handshake or of the first message; None if there is none in time."""
        token = _token(headers)
        if token is None and self._admission.tokens is not None:
            try:
                # Short: until it has shown a token it holds a place that it has no right to.
                async with asyncio.timeout(AUTH_TIME):
                    message = await connection.recv()
                first = msgspec.json.decode(message, type=AuthMessage)
            except (TimeoutError, msgspec.DecodeError, ValueError):
                return None
            token = first.token
        caller = self._admission.admit(token, Role.VIEWER, self._address(connection, headers), self._now())
        return None if isinstance(caller, Refusal) else caller

    async def _converse(self, connection: ServerConnection) -> None:
        if connection.request is None:
            raise TypeError("a connection has no request")
        headers = connection.request.headers
        wanted = of_query(connection.request.path.partition("?")[2], list(self._plant.modules))
        if isinstance(wanted, Problem):
            raise TypeError("a connection was admitted although its query is invalid")
        try:
            caller = await self._caller(connection, headers)
            if caller is None:
                await self._dismiss(connection, 1008, f"no valid token within {AUTH_TIME:g} s")
                return
            session = Session(wanted, binary=connection.subprotocol == MSGPACK, now=self._now(), caller=caller)
            session.address = self._address(connection, headers)
            self._sessions[connection] = session
            self._connections.asks(connection)  # from here on it is a client and gives up its place to nobody
            if self._admission.tokens is not None:
                self._tell(connection, session, AuthenticatedMessage(caller.name, caller.role.name.lower()))
            self._subscribe(connection, session, wanted)
            async for message in connection:
                await self._obey(connection, session, message)
                if session.mistakes >= MAX_MISTAKES:
                    await self._dismiss(connection, 1008, f"{MAX_MISTAKES} invalid messages")
        except ConnectionClosed:
            return
        finally:
            self._forget(connection)  # however it ended, also by a defect: nobody writes to what has gone

    def _forget(self, connection: ServerConnection) -> None:
        self._sessions.pop(connection, None)
        self._unseat(connection)

    def _unseat(self, connection: ServerConnection) -> None:
        self._delivery.detach(connection)
        for listeners in self._listeners.values():
            listeners.pop(connection, None)

    # What clients say

    async def _obey(self, connection: ServerConnection, session: Session, message: str | bytes) -> None:
        said = session.hear(message)
        answer: ServerMessage | None = None
        match said:
            case RateMessage(rate=rate):
                session.change_rate(rate, self._now())
                answer = said
            case SubscribeMessage():
                wanted = of_message(said, list(self._plant.modules))
                if isinstance(wanted, Problem):
                    session.mistakes += 1
                    answer = _problem(wanted, None)
                else:
                    self._subscribe(connection, session, wanted)
            case CommandMessage():
                # Answered here only if it is refused; else once it has acted.
                answer = self._command(connection, session, said)
            case AuthMessage():
                answer = AuthenticatedMessage(session.caller.name, session.caller.role.name.lower())
            case ErrorMessage():
                answer = said
        if answer is not None:
            # Waits while the client's write buffer is full, and its next message is not read before: a client that asks
            # and never reads the answers cannot pile them up here.
            await connection.send(pack(answer, binary=session.binary))
        # It may have been sent away during the wait; attached again, it would never be detached.
        if isinstance(answer, RateMessage) and connection in self._sessions:
            self._delivery.attach(connection, session, self._now())

    def _subscribe(self, connection: ServerConnection, session: Session, wanted: Subscription) -> None:
        # Nothing here waits, so no frame can come between the snapshot and the first update.
        self._unseat(connection)
        gaps = session.subscribe(wanted, self._plant.rings, self._now())
        if not wanted.plain:
            resumed = wanted.after is not None and not gaps
            self._tell(connection, session, snapshot(self._plant, wanted, resumed=resumed))
            if not resumed:
                session.has_newest({name: module.frame for name, module in self._plant.modules.items()})
        for gap in gaps:
            self._tell(connection, session, gap)
        for topic in wanted.topics:
            self._listeners.setdefault(topic, {})[connection] = session
        self._delivery.attach(connection, session, self._now())

    def _command(self, connection: ServerConnection, session: Session, said: CommandMessage) -> ServerMessage | None:
        caller = session.caller
        reason = lacking(caller, command_role(said.module, said.name), said.name)
        if reason:
            return _problem(Problem.of(403, "role", reason), said.id)
        # An emergency stop is neither counted nor held back: a flood of other commands may be the very reason for it.
        urgent = said.name == EMERGENCY_STOP
        wait = 0.0 if urgent else self._admission.commands.wait(caller.name or session.address, self._now())
        if wait or session.commands >= (URGENT_COMMANDS if urgent else MAX_COMMANDS):
            reason = f"too many commands: send the next one in {wait:.1f} s, with at most {MAX_COMMANDS} under way"
            return _problem(Problem.of(429, "rate", reason), said.id)
        session.commands += 1
        # In a task: a command takes until its tick, and an emergency stop that comes next must not wait for that.
        self._group.create_task(self._carry_out(connection, session, said))
        return None

    async def _carry_out(self, connection: ServerConnection, session: Session, said: CommandMessage) -> None:
        origin = f"websocket:{session.caller.name}" if session.caller.name else "websocket"
        answer: ServerMessage
        try:
            done = await self._commands.run(said.module, said.name, said.args, said.id, origin, session.caller)
            answer = AppliedMessage(done.id, done.command, done.run, done.seq, done.t, done.applied)
        except ProblemError as error:
            # Anything else is a defect, which ends the group and with it the process: no client waits in vain.
            answer = _problem(error.problem, error.problem.id or said.id)
        session.commands -= 1
        self._tell(connection, session, answer)  # goes nowhere if the client has left meanwhile

    def _tell(self, connection: ServerConnection, session: Session, message: ServerMessage) -> None:
        payload = pack(message, binary=session.binary)
        _write(connection, framed(payload.encode() if isinstance(payload, str) else payload, binary=session.binary))

    # What clients get

    def heard(self, message: Published) -> None:
        """Pass a tick, a status, an event or a result on to the clients that want it. To be called for each one."""
        made: dict[bool, bytes] = {}  # each encoding once, and not for each client
        for connection, session in self._listeners.get(message.topic(), {}).items():
            if isinstance(message, Tick) and not session.takes_tick(message, self._now()):
                continue
            if connection.transport.get_write_buffer_size() > BACKLOG:
                continue  # `pulse` disconnects it soon, unless it begins to read
            if session.binary not in made:
                made[session.binary] = _packed(message, binary=session.binary)
            _write(connection, made[session.binary])
            session.gave(len(made[session.binary]))

    def pulse(self) -> None:
        """Look after silent modules and clients that do not read; to be called about ten times a second.

        Frames bring most of this about by themselves. This is for when none come, and for clients that get none.
        """
        now = self._now()
        for connection, session in list(self._sessions.items()):  # a copy, for those that are sent away leave the dict
            pending = connection.transport.get_write_buffer_size()
            if session.stuck(pending, now):
                self._send_away(connection)
            elif pending:
                # At one frame in ten seconds a group would notice this only at its next turn, and the client would then
                # have to wait for another one. Noticed now, it gets the newest frame as soon as it has read the last.
                self._delivery.falls_behind(connection)
        for name, module in self._plant.modules.items():
            if not module.fresh(now):  # as long as frames come, each of them is a sweep
                self._delivery.attend(name, now)

    def sweep(self, module: str, now: float) -> None:
        """Give clients the newest frame of a module, each if it is its turn. To be called for each new frame."""
        self._delivery.sweep(module, now)

    def _send_away(self, connection: ServerConnection) -> None:
        self.dismissed += 1
        # At once and not when it is closed: closing waits for a client that does not read, and until then every pulse
        # would find it stuck again.
        self._forget(connection)
        self._group.create_task(self._dismiss(connection, 1013, f"nothing was taken for {TAKE_TIME:g} s"))

    @staticmethod
    async def _dismiss(connection: ServerConnection, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(FAREWELL):
                await connection.close(code, reason)
        except TimeoutError:
            connection.transport.abort()  # the farewell waits behind everything else that the client does not read


def _token(headers: Headers) -> str | None:
    return bearer(headers.get_all("Authorization")) or token_offered(_offered(headers))


def _packed(message: Published, *, binary: bool) -> bytes:
    """A published message as a complete WebSocket frame, with its type in front."""
    kinds = {Tick: "tick", Status: "status", Event: "event", Result: "result"}
    fields = {"type": kinds[type(message)], **msgspec.structs.asdict(message)}
    payload = msgspec.msgpack.encode(fields) if binary else msgspec.json.encode(fields)
    return framed(payload, binary=binary)


def _problem(problem: Problem, command_id: str | None) -> ProblemMessage:
    return ProblemMessage(command_id, problem.model_dump(exclude_none=True))
