"""The AsyncAPI 3 description of ZeroMQ topics, request sockets and the WebSocket, made from the declarations."""

import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any, get_args

from bus.protocol.documents import schemas
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    PUBLISHED,
    ClockReply,
    ClockRequest,
    ModuleReply,
    ModuleRequest,
    RecorderReply,
    RecorderRequest,
    Result,
)
from bus.protocol.schema import PROTOCOL_VERSION
from nodes.gateway.session import JSON, MSGPACK, TOKEN
from nodes.gateway.subscription import QUERY
from nodes.gateway.version import version
from nodes.gateway.wire import ClientMessage, ServerMessage

MESSAGEPACK = "application/msgpack"

DESCRIPTION = f"""\
Every ZeroMQ payload is one MessagePack map; a published message is two frames, topic and payload. On the WebSocket the
same maps travel as JSON text (subprotocol `{JSON}`, or none) or as MessagePack (`{MSGPACK}`), with a `type` in
front. A plant with keys encrypts its ZeroMQ sockets with CURVE. A plant with tokens expects one on the WebSocket: in
the `Authorization` header, as a further subprotocol `{TOKEN}<token>`, or in the first message, `auth`."""

SOCKETS: tuple[tuple[str, Any, Any], ...] = (
    ("clockControl", ClockRequest, ClockReply),
    ("physicsSnapshot", ModuleRequest, ModuleReply),
    ("recorder", RecorderRequest, RecorderReply),
)
"""Sockets that answer: name of the server, requests that it takes, replies that it sends."""


@cache
def document() -> dict[str, Any]:
    """The whole description, with the default addresses.

    Raises:
        ValueError: if two messages have the same name.
    """
    requests = [kind for _socket, request, reply in SOCKETS for kind in _kinds(request, reply)]
    kinds = [*PUBLISHED, *requests, *_kinds(ClientMessage, ServerMessage)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "KPP Simulator",
            "version": version(),
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
            "x-protocol-version": PROTOCOL_VERSION,
        },
        "defaultContentType": MESSAGEPACK,
        # Not the addresses of this plant: the description is committed, and has to be the same everywhere.
        "servers": _servers(Endpoints.from_environment({})),
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": _messages(dict.fromkeys(kinds)),
            "schemas": schemas(dict.fromkeys(kinds), "#/components/schemas/{name}"),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds(*unions: Any) -> list[type[Any]]:
    return [kind for union in unions for kind in (get_args(union) or (union,))]


def _servers(endpoints: Endpoints) -> dict[str, Any]:
    def zmq(address: str, text: str) -> dict[str, Any]:
        return {"host": address.removeprefix("tcp://"), "protocol": "zmq", "description": text}

    module = endpoints.modules[0]
    websocket = endpoints.gateway_websocket
    return {
        "clock": zmq(endpoints.clock_publish, "PUB of the clock"),
        "clockControl": zmq(endpoints.clock_control, "ROUTER of the clock"),
        "physics": zmq(module.publish, f"PUB of module {module.module}; module k, from 0, has port + k"),
        "physicsSnapshot": zmq(module.snapshot, f"ROUTER of module {module.module}; module k has port + k"),
        "recorder": zmq(endpoints.recorder, "ROUTER of the recorder"),
        "websocket": {
            "host": f"{websocket.host}:{websocket.port}",
            "protocol": "ws",
            "description": "the gateway",
            "security": [{"$ref": "#/components/securitySchemes/token"}],
        },
    }


def _topic(kind: Any) -> str:
    """Name of a channel."""
    return str(kind.TOPIC).strip("/")


def _channels() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in PUBLISHED:
        # Results have one topic for the clock and all modules, because whoever waits for one knows its command only.
        has_module = kind.TOPIC.endswith("/") and kind is not Result
        address = f"{kind.TOPIC}{{module}}/" if has_module else kind.TOPIC
        servers = ["clock", "physics"] if kind is Result else ["physics" if has_module else "clock"]
        found[_topic(kind)] = _channel(address, [kind], servers)
        if has_module:
            found[_topic(kind)]["parameters"] = {"module": {"description": "plant module", "default": "m1"}}
    for socket, request, reply in SOCKETS:
        found[socket] = _channel(None, _kinds(request, reply), [socket])
    websocket = _channel("/ws", [*_kinds(ClientMessage, ServerMessage), *PUBLISHED], ["websocket"])
    properties = {name: {"type": "string"} for name in sorted(QUERY)}
    websocket["bindings"] = {"ws": {"method": "GET", "query": {"type": "object", "properties": properties}}}
    return found | {"websocket": websocket}


def _channel(address: str | None, kinds: Iterable[type[Any]], servers: list[str]) -> dict[str, Any]:
    return {
        "address": address,
        "servers": [{"$ref": f"#/servers/{server}"} for server in servers],
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in dict.fromkeys(kinds)
        },
    }


def _operations() -> dict[str, Any]:
    found = {f"publish{kind.__name__}": _operation("send", _topic(kind), [kind]) for kind in PUBLISHED}
    for channel, request, reply in SOCKETS:
        asked = _operation("receive", channel, _kinds(request))
        answered = _operation("send", channel, _kinds(reply))
        asked["reply"] = {"channel": answered["channel"], "messages": answered["messages"]}
        found[f"{channel}Request"] = asked
    found["websocketReceive"] = _operation("receive", "websocket", _kinds(ClientMessage))
    found["websocketSend"] = _operation("send", "websocket", [*_kinds(ServerMessage), *PUBLISHED])
    return found


def _operation(action: str, channel: str, kinds: Iterable[type[Any]]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{kind.__name__}"} for kind in dict.fromkeys(kinds)],
    }


def _messages(kinds: Iterable[type[Any]]) -> dict[str, Any]:
    """Each message by the name of its class. Raises ValueError if two share one."""
    found: dict[str, Any] = {}
    for kind in kinds:
        if kind.__name__ in found:
            raise ValueError(f"two messages are named {kind.__name__}: give one of the classes another name")
        found[kind.__name__] = _message(kind)
    return found


def _message(kind: type[Any]) -> dict[str, Any]:
    summary = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return {"name": kind.__name__, "summary": summary, "payload": {"$ref": f"#/components/schemas/{kind.__name__}"}}
