"""One WebSocket client: what it wants, who it is, what it got wrong. No sockets, no time of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

import msgspec

from bus.protocol.messages import Tick
from bus.security.tokens import Caller
from nodes.gateway.core import GatewayPlant
from nodes.gateway.frame_encoding import Frame, GroupSelection
from nodes.gateway.frame_pacing import Decimation, SessionPace
from nodes.gateway.frame_ring import FrameRing
from nodes.gateway.problems import Problem
from nodes.gateway.subscription import DEFAULT_RATE, Subscription
from nodes.gateway.wire import ClientMessage, ErrorMessage, GapMessage, SnapshotMessage

JSON = "kpp.json.v1"
MSGPACK = "kpp.msgpack.v1"
SUBPROTOCOLS = (JSON, MSGPACK)
"""What /ws speaks: JSON in text messages (also without a subprotocol), or MessagePack in binary ones."""

TOKEN = "kpp.token."  # noqa: S105  # the beginning of a subprotocol that carries a token
"""A token may be offered as one more subprotocol, because a browser can send no header."""

TAKE_TIME = 2.0
"""Seconds within which a client has to take what was sent to it."""

MAX_MISTAKES = 5
"""Messages that make no sense before a client is sent away."""

_FROM_JSON: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_FROM_MSGPACK: msgspec.msgpack.Decoder[ClientMessage] = msgspec.msgpack.Decoder(ClientMessage)


def subprotocol(offered: list[str]) -> str | Problem | None:
    """Choose the first offered subprotocol that /ws speaks; None if the client offered none."""
    names = [name for name in offered if not name.startswith(TOKEN)]
    for name in names:
        if name in SUBPROTOCOLS:
            return name
    if not names:
        return JSON if offered else None
    known = list(SUBPROTOCOLS)
    return Problem.of(400, "subprotocol", f"none of the offered subprotocols is known: offer {known[0]}", known=known)


def token_offered(offered: list[str]) -> str | None:
    """The token among the offered subprotocols; None if there is none."""
    return next((name.removeprefix(TOKEN) for name in offered if name.startswith(TOKEN)), None)


class TickKey:
    """A tick as a pace sees it."""

    def __init__(self, tick: Tick) -> None:
        self.key = (tick.run, tick.seq)


@dataclass(frozen=True, eq=False)
class Form:
    """In what form a client gets states; clients that want the same share one, which is told by its identity."""

    selection: GroupSelection
    binary: bool


_FORMS: WeakValueDictionary[tuple[GroupSelection, bool], Form] = WeakValueDictionary()


def form(selection: GroupSelection, *, binary: bool) -> Form:
    """The one form of that kind."""
    found = _FORMS.get((selection, binary))
    if found is None:
        found = _FORMS[selection, binary] = Form(selection, binary)
    return found


class Session:
    """Turns, mistakes and notices of one client.

    Args:
        wanted: what it subscribes to first.
        binary: true for MessagePack.
        now: when it connected (s).
        caller: who it is.
    """

    def __init__(self, wanted: Subscription, *, binary: bool, now: float, caller: Caller) -> None:
        self.binary = binary
        self.caller = caller
        self.address = ""
        """Where it comes from, as far as that is known."""
        self.mistakes = 0
        self.commands = 0
        """Commands that it waits for."""
        self.wanted = wanted
        self.form = form(wanted.selection, binary=binary)
        self.paces: dict[str, SessionPace | Decimation] = {}
        self._ticks = SessionPace(wanted.rate or DEFAULT_RATE, now)
        self.stale: set[str] = set()
        """Modules of which it was told that no fresh frame comes."""
        self.blocked: float | None = None
        """Since when it has taken nothing, with something there to take."""
        self._untaken = 0

    def subscribe(self, wanted: Subscription, rings: Mapping[str, FrameRing], now: float) -> list[GapMessage]:
        """Want something else from now on; the answer names what is lost of what it wants to go on with."""
        self.wanted = wanted
        self.form = form(wanted.selection, binary=self.binary)
        self.stale.clear()
        self._ticks = SessionPace(wanted.rate or DEFAULT_RATE, now)
        self.paces = {}
        gaps: list[GapMessage] = []
        for name in wanted.modules:
            if wanted.every is None:
                self.paces[name] = SessionPace(wanted.rate or DEFAULT_RATE, now)
            else:
                position, gap = _start(wanted, name, rings[name])
                known = (wanted.after.run, wanted.after.seq) if wanted.after else ("", 0)
                self.paces[name] = Decimation(wanted.every, position, known)
                gaps += [] if gap is None else [gap]
        return gaps

    def has_newest(self, newest: Mapping[str, Frame | None]) -> None:
        """A snapshot was sent: updates are what comes after it."""
        for name, pace in self.paces.items():
            frame = newest[name]
            if isinstance(pace, SessionPace) and frame is not None:
                pace.has(frame)

    def change_rate(self, rate: float, now: float) -> None:
        """Get states at a rate from now on, whatever it was before."""
        self.wanted = msgspec.structs.replace(self.wanted, rate=rate, every=None)
        self._ticks.change(rate, now)
        for name, pace in self.paces.items():
            if isinstance(pace, SessionPace):
                pace.change(rate, now)
            else:
                self.paces[name] = SessionPace(rate, now)

    def takes_tick(self, tick: Tick, now: float) -> bool:
        """Is this tick to be sent?"""
        if self.wanted.every is not None:
            return tick.seq % self.wanted.every == 0
        return self._ticks.takes(TickKey(tick), now)

    def to_be_told(self, module: str) -> bool:
        """Is the client to be told that no fresh frame comes? True once until frames come again."""
        first = module not in self.stale
        self.stale.add(module)
        return first

    def fresh(self, module: str) -> None:
        """Frames come again."""
        self.stale.discard(module)

    def gave(self, size: int) -> None:
        """So many more bytes were written to it."""
        self._untaken += size

    def stuck(self, pending: int, now: float) -> bool:
        """Has the client taken nothing for TAKE_TIME, although there was something? Who takes slowly is not stuck.

        Args:
            pending: bytes that were sent and that it has not taken.
            now: time (s).
        """
        if not pending:
            self.blocked, self._untaken = None, 0
            return False
        if self.blocked is None or pending < self._untaken:
            self.blocked = now
        self._untaken = pending
        return now - self.blocked >= TAKE_TIME

    def hear(self, message: str | bytes) -> ClientMessage | ErrorMessage:
        """Read a message of the client; one that makes no sense counts as a mistake."""
        try:
            if isinstance(message, str):
                return _FROM_JSON.decode(message)
            if self.binary:
                return _FROM_MSGPACK.decode(message)
            return self.mistake("send JSON as text, or offer the subprotocol " + MSGPACK)
        except (msgspec.DecodeError, ValueError) as error:
            return self.mistake(str(error))
        except RecursionError:
            return self.mistake("nested too deeply")

    def mistake(self, reason: str) -> ErrorMessage:
        """Count a mistake and say why it is one."""
        self.mistakes += 1
        return ErrorMessage(f"{reason[:200]}: send for example " + '{"type":"rate","rate":20}')


def snapshot(plant: GatewayPlant, wanted: Subscription, *, resumed: bool) -> SnapshotMessage:
    """What is newest of each topic that a client wants."""
    newest: dict[str, object] = {}
    if "tick" in wanted.topics:
        newest["tick"] = plant.tick
    if "status" in wanted.topics:
        newest["status"] = plant.status
    for name in wanted.modules:
        frame = plant.newest(name)
        newest[f"state/{name}/"] = None if frame is None else frame.state()
    return SnapshotMessage(
        topics=list(wanted.topics),
        fields=list(wanted.fields),
        rate=wanted.rate,
        every=wanted.every,
        run=plant.run,
        seq=plant.tick.seq if plant.tick else None,
        resumed=resumed,
        newest={} if resumed else newest,
    )


def _start(wanted: Subscription, module: str, ring: FrameRing) -> tuple[int, GapMessage | None]:
    """Where in the ring a client goes on, and what it has missed for good."""
    after = wanted.after
    if after is None:
        return ring.end, None
    position = ring.after(after.run, after.seq)
    if position is None and ring.beginning(after.run, after.seq):
        position = ring.first
    if position is not None:
        return position, None
    following = ring[ring.first].head.seq if ring.end > ring.first else None
    return ring.first, GapMessage(f"state/{module}/", after.run, after.seq, following)
