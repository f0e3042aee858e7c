"""Messages between WebSocket clients and the gateway, declared once; the AsyncAPI description is made from them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bus.protocol.messages import ADDRESSEE, IDENTIFIER, NAME
from bus.protocol.schema import Label

MIN_RATE = 0.1
MAX_RATE = 1000.0
"""Frames per second (Hz)."""

MAX_EVERY = 100_000
MAX_TOPICS = 16
MAX_FIELDS = 256

FrameRate = Annotated[
    float, Meta(ge=MIN_RATE, le=MAX_RATE, description="most frames a second, always the newest one (Hz)")
]
Every = Annotated[
    int, Meta(ge=1, le=MAX_EVERY, description="a frame for each tick that is a multiple of this, none left out")
]
Topic = Annotated[Label, Meta(description="tick, status, result/, state/<module>/ or event/<module>/")]
Field = Annotated[Label, Meta(description="group of the state, or group.name", examples=["chain.speed"])]


class FromClient(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """A message of a client; unknown fields are refused."""


class RateMessage(FromClient, frozen=True, tag="rate"):
    """Asks for another rate; the answer is the same message, with the rate in force."""

    rate: FrameRate


class After(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last frame that a client has."""

    run: Annotated[str, Meta(pattern=IDENTIFIER, description="run of that frame")]
    seq: Annotated[int, Meta(ge=0, description="tick of that frame")]


class SubscribeMessage(FromClient, frozen=True, tag="subscribe"):
    """Replaces what the client is subscribed to; the answer is a snapshot, then updates."""

    topics: Annotated[list[Topic], Meta(min_length=1, max_length=MAX_TOPICS)]
    fields: Annotated[list[Field], Meta(max_length=MAX_FIELDS, description="parts of states; all if left out")] = []
    rate: FrameRate | None = None
    every: Every | None = None
    after: Annotated[After | None, Meta(description="resume after this frame; together with every")] = None


class CommandMessage(FromClient, frozen=True, tag="command"):
    """A command; the answer is `applied` or `problem`, with the same id."""

    module: Annotated[
        str, Meta(pattern=ADDRESSEE, description='"clock", a plant module, or "*" for an emergency stop of all')
    ]
    name: Annotated[str, Meta(pattern=NAME, description="what to do")]
    args: dict[str, Any] = {}
    id: Annotated[str, Meta(pattern=IDENTIFIER, description="a command with the same id acts only once")] | None = None


class AuthMessage(FromClient, frozen=True, tag="auth"):
    """Shows a token, within 2 s, if neither a header nor a subprotocol did."""

    token: Annotated[str, Meta(max_length=128)]


ClientMessage = RateMessage | SubscribeMessage | CommandMessage | AuthMessage


class ToClient(msgspec.Struct, frozen=True, tag_field="type"):
    """A message of the gateway."""


class ErrorMessage(ToClient, frozen=True, tag="error"):
    """Says why a message is invalid."""

    reason: str


class StaleMessage(ToClient, frozen=True, tag="stale"):
    """Says, once for each silence, that no fresh frame comes."""

    missing: Annotated[list[str], Meta(description="parts of the plant that are not heard")]
    age: Annotated[float | None, Meta(description="age of the newest frame (s), null if there is none")]


class GapMessage(ToClient, frozen=True, tag="gap"):
    """Says that frames which the client should have got are no longer there."""

    topic: str
    run: str
    after: Annotated[int, Meta(description="tick of the last frame that the client has")]
    next: Annotated[int | None, Meta(description="tick of the next frame that it gets, null if there is none yet")]


class SnapshotMessage(ToClient, frozen=True, tag="snapshot"):
    """The first answer to a subscription: the newest message of each topic, complete. Updates follow it."""

    topics: list[str]
    fields: list[str]
    rate: float | None
    every: int | None
    run: str | None
    seq: Annotated[int | None, Meta(description="newest tick")]
    resumed: Annotated[
        bool, Meta(description="true if frames follow where the client left off; then `newest` is empty")
    ]
    newest: Annotated[
        dict[str, Any], Meta(description="newest message by topic, with all of its fields; null if there is none")
    ]


class AuthenticatedMessage(ToClient, frozen=True, tag="authenticated"):
    """The token is known; says whose it is."""

    name: str
    role: str


class AppliedMessage(ToClient, frozen=True, tag="applied"):
    """A command has acted."""

    id: str
    command: str
    run: str
    seq: int
    t: float
    applied: dict[str, Any]


class ProblemMessage(ToClient, frozen=True, tag="problem"):
    """A command did not act, or a subscription is refused: RFC 9457 problem details."""

    id: str | None
    problem: Annotated[dict[str, Any], Meta(description="problem details, as in the answers of REST")]


ServerMessage = (
    RateMessage
    | ErrorMessage
    | StaleMessage
    | GapMessage
    | SnapshotMessage
    | AuthenticatedMessage
    | AppliedMessage
    | ProblemMessage
)


def pack(message: ServerMessage, *, binary: bool) -> str | bytes:
    """A message in the client's format: bytes of MessagePack, or JSON text."""
    return msgspec.msgpack.encode(message) if binary else msgspec.json.encode(message).decode()
