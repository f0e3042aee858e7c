"""One WebSocket client: what it asked for, and what it is to get next. No sockets, no time of its own.

Newest wins: a session holds no frame, it only remembers which one it sent last. Whatever is newest when its turn comes
is what it gets.
"""

import math
from typing import Annotated
from urllib.parse import parse_qs

import msgspec

from nodes.gateway.frame import Frame
from nodes.gateway.problems import Problem

JSON = "kpp.json.v1"
MSGPACK = "kpp.msgpack.v1"
SUBPROTOCOLS = (JSON, MSGPACK)
"""What /ws speaks: JSON in text messages (also without a subprotocol), or MessagePack in binary ones."""

DEFAULT_RATE = 10.0
MIN_RATE = 0.1
MAX_RATE = 1000.0
"""Frames per second (Hz)."""

EARLY = 0.005
"""Seconds by which a frame may come before its turn, so that a rate equal to the tick rate misses none by jitter."""

LATE = 0.05
"""Seconds of lateness that are made up for before the schedule starts anew."""

TAKE_TIME = 2.0
"""Seconds within which a client has to take what was sent to it."""

MAX_MISTAKES = 5
"""Messages that make no sense before a client is sent away."""

MAX_QUERY_FIELDS = 10


class RateMessage(msgspec.Struct, frozen=True, tag_field="type", tag="rate", forbid_unknown_fields=True):
    """Asks for another rate; the answer is the same message, with the rate in force."""

    rate: Annotated[float, msgspec.Meta(ge=MIN_RATE, le=MAX_RATE)]


class ErrorMessage(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """Says why a message made no sense."""

    reason: str


class StaleMessage(msgspec.Struct, frozen=True, tag_field="type", tag="stale"):
    """Says once that no fresh frame comes: what is missing, and the age of the newest frame (s), null if none."""

    missing: list[str]
    age: float | None


class Wish(msgspec.Struct, frozen=True):
    """What the URL asks for."""

    module: str
    rate: float


def wish(query: str, modules: list[str]) -> Wish | Problem:
    """Read `rate=Hz&module=name`; both may be left out."""
    try:
        fields = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        return Problem.violation("query", "rate=Hz&module=name", "the query cannot be read")
    for name, values in fields.items():
        if name not in {"rate", "module"} or len(values) != 1:
            return Problem.violation(name[:64], "rate and module, once each", "unknown or given twice")
    module = fields.get("module", modules[:1])[0]
    if module not in modules:
        detail = f"there is no module {module[:64]!r}: choose one of {', '.join(modules)}"
        return Problem.of(404, "module", detail, known=modules)
    given = fields.get("rate", [str(DEFAULT_RATE)])[0]
    try:
        rate = float(given)
    except ValueError:
        rate = math.nan
    if not MIN_RATE <= rate <= MAX_RATE:
        limit = f"{MIN_RATE:g} to {MAX_RATE:g} Hz"
        return Problem.violation("rate", limit, f"{given[:32]!r} is no rate: use {limit}")
    return Wish(module, rate)


def subprotocol(offered: list[str]) -> str | Problem | None:
    """Choose the first offered subprotocol that /ws speaks; None if the client offered none."""
    if not offered:
        return None
    for name in offered:
        if name in SUBPROTOCOLS:
            return name
    known = list(SUBPROTOCOLS)
    return Problem.of(400, "subprotocol", f"none of the offered subprotocols is known: offer {known[0]}", known=known)


class Session:
    """Turns, mistakes and notices of one client.

    Args:
        wished: module and rate.
        binary: true for MessagePack.
        now: when it connected (s).
    """

    def __init__(self, wished: Wish, *, binary: bool, now: float) -> None:
        self.module = wished.module
        self.binary = binary
        self.mistakes = 0
        self._sent: tuple[str, int] | None = None
        self._stale = False
        self._blocked: float | None = None
        self._rate = 0.0
        self._due = 0.0
        self._early = 0.0
        self._set_rate(wished.rate, now)

    @property
    def turn(self) -> float:
        """From when on the next frame may be sent (s)."""
        return self._due - self._early

    def _set_rate(self, rate: float, now: float) -> None:
        self._rate = rate
        self._early = min(EARLY, 0.5 / rate)
        self._due = self._last_turn(now)

    def _last_turn(self, now: float) -> float:
        # Turns lie on multiples of the period for everybody, so that clients of one rate share the same frames and
        # each of those is turned into JSON once.
        return math.floor(now * self._rate) / self._rate

    def takes(self, frame: Frame, now: float) -> bool:
        """Is this frame to be sent now? If so, the turn is taken."""
        if now < self.turn or frame.key == self._sent:
            return False
        self._sent = frame.key
        self._stale = False
        self._due += 1.0 / self._rate
        if now - self._due > max(LATE, 1.0 / self._rate):
            self._due = self._last_turn(now) + 1.0 / self._rate
        return True

    def to_be_told(self) -> bool:
        """Is the client to be told that no fresh frame comes? True once until frames come again."""
        first, self._stale = not self._stale, True
        return first

    def stuck(self, pending: int, now: float) -> bool:
        """Has the client left something untaken for TAKE_TIME?

        Args:
            pending: bytes that were sent and that it has not taken.
            now: time (s).
        """
        if not pending:
            self._blocked = None
            return False
        if self._blocked is None:
            self._blocked = now
        return now - self._blocked >= TAKE_TIME

    def hear(self, message: str | bytes, now: float) -> RateMessage | ErrorMessage:
        """Obey a message of the client and return the answer; one that makes no sense counts as a mistake."""
        try:
            if isinstance(message, str):
                asked = msgspec.json.decode(message, type=RateMessage)
            elif self.binary:
                asked = msgspec.msgpack.decode(message, type=RateMessage)
            else:
                return self._mistake("send JSON as text, or offer the subprotocol " + MSGPACK)
        except (msgspec.DecodeError, ValueError) as error:
            return self._mistake(str(error))
        except RecursionError:
            return self._mistake("nested too deeply")
        self._set_rate(asked.rate, now)
        return asked

    def _mistake(self, reason: str) -> ErrorMessage:
        self.mistakes += 1
        return ErrorMessage(f"{reason[:200]}: send for example " + '{"type":"rate","rate":20}')


Notice = RateMessage | ErrorMessage | StaleMessage


def pack(notice: Notice, *, binary: bool) -> str | bytes:
    """A notice in the client's format."""
    return msgspec.msgpack.encode(notice) if binary else msgspec.json.encode(notice).decode()
