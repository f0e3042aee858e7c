"""Message <-> bytes, pure and hardened: the only code that packs and unpacks frames.

A decoder takes bytes from anybody. It bounds their size first, then builds nothing but the declared types, checks every
limit as it goes, and skips fields that are not declared without building them.
"""

from functools import cache
from typing import Any

import msgspec

from bus.protocol.messages import (
    PUBLISHED,
    ClockReply,
    ClockRequest,
    ModuleReply,
    ModuleRequest,
    Published,
    RecorderReply,
    RecorderRequest,
)
from bus.protocol.schema import Message

MAX_TELEMETRY = 256 * 1024
"""Largest published frame or reply, in bytes."""

MAX_REQUEST = 64 * 1024
"""Largest request, in bytes."""

Pair = tuple[bytes, bytes]
"""Topic and payload of a published message."""

_ENCODER = msgspec.msgpack.Encoder()
_BY_TOPIC = {cls.TOPIC.encode(): cls for cls in PUBLISHED}


class FrameError(ValueError):
    """Bytes or values that are not a message; the text says what is wrong."""


# Once for each type: a decoder prepares its type when it is made.
@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def encode(message: Message, limit: int = MAX_TELEMETRY) -> bytes:
    """Pack one message.

    Values are not checked again: the sender vouches for them (see `build`), and receivers refuse what is not finite.

    Args:
        message: what to pack.
        limit: largest size in bytes that its receiver accepts.

    Raises:
        FrameError: if it holds something that is not a plain value, or is larger than the limit.
    """
    try:
        payload = _ENCODER.encode(message)
    except (TypeError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise FrameError(f"{type(message).__name__} cannot be packed: {error}") from error
    if len(payload) > limit:
        raise FrameError(f"{type(message).__name__} of {len(payload)} bytes is over the limit of {limit}")
    return payload


def encode_published(message: Published) -> Pair:
    """Pack a published message into its two frames, topic and payload."""
    return message.topic().encode(), encode(message)


def build(kind: Any, fields: dict[str, Any]) -> Any:
    """Make a message from plain values, which are checked like received bytes.

    Args:
        kind: a message class, or a union of them.
        fields: its fields by name.

    Raises:
        FrameError: naming the field, what it holds and what it needs.
    """
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise FrameError(str(error)) from error


def decode(payload: bytes, kind: Any, limit: int = MAX_TELEMETRY) -> Any:
    """Unpack and check one message.

    Args:
        payload: the bytes as received.
        kind: a message class, or a union of classes that differ in `type`.
        limit: largest accepted size in bytes.

    Raises:
        FrameError: naming the field, what it holds and what it needs.
    """
    if len(payload) > limit:
        raise FrameError(f"{len(payload)} bytes are over the limit of {limit}")
    # msgspec raises more kinds of errors than its own on hostile input: texts that are not UTF-8, nesting without end.
    # None of them may pass, since callers take nothing but FrameError for a bad frame.
    try:
        return _decoder(kind).decode(payload)
    except UnicodeDecodeError as error:
        raise FrameError(f"a text is not UTF-8: {error.object[:64]!r}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FrameError(str(error) or type(error).__name__) from error


def decode_clock_request(payload: bytes) -> ClockRequest:
    """Decode what a client sends to the clock; raises FrameError as `decode`."""
    request: ClockRequest = decode(payload, ClockRequest, MAX_REQUEST)
    return request


def decode_clock_reply(payload: bytes) -> ClockReply:
    """Decode what the clock answers; raises FrameError as `decode`."""
    reply: ClockReply = decode(payload, ClockReply)
    return reply


def decode_module_request(payload: bytes) -> ModuleRequest:
    """Decode what a client sends to a module's snapshot socket; raises FrameError as `decode`."""
    request: ModuleRequest = decode(payload, ModuleRequest, MAX_REQUEST)
    return request


def decode_module_reply(payload: bytes) -> ModuleReply:
    """Decode what a module's snapshot socket answers; raises FrameError as `decode`."""
    reply: ModuleReply = decode(payload, ModuleReply)
    return reply


def decode_recorder_request(payload: bytes) -> RecorderRequest:
    """Decode what a client sends to the recorder; raises FrameError as `decode`."""
    request: RecorderRequest = decode(payload, RecorderRequest, MAX_REQUEST)
    return request


def decode_recorder_reply(payload: bytes) -> RecorderReply:
    """Decode what the recorder answers; raises FrameError as `decode`."""
    reply: RecorderReply = decode(payload, RecorderReply)
    return reply


def decode_published(topic: bytes, payload: bytes) -> Published:
    """Decode the two frames of a published message.

    Raises:
        FrameError: if the topic is unknown, or the payload is not its message.
    """
    # `state/m1/` is of the kind `state/`; a topic without a slash is its own kind.
    kind = _BY_TOPIC.get(topic[: topic.find(b"/") + 1] or topic)
    if kind is None:
        raise FrameError(f"unknown topic {topic[:64]!r}")
    message: Published = decode(payload, kind)
    # Subscribers choose by topic: one that does not fit would bring a module's state under another module's name.
    if message.topic().encode() != topic:
        raise FrameError(f"topic {topic[:64]!r} is not the message's own, {message.topic()!r}")
    return message
