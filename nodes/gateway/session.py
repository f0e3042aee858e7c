"""One client of the stream: what it wants, who it is, what it got wrong. No sockets, no time of its own."""

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
"""Subprotocols of /ws: JSON in text messages (which is also the default), or MessagePack in binary messages."""

TOKEN = "kpp.token."  # noqa: S105  # the beginning of a subprotocol that carries a token
"""A token may be offered as a further subprotocol, because a page cannot add a header to a WebSocket's handshake."""

TAKE_TIME = 2.0
"""Seconds within which a client has to read some of what was sent to it."""

MAX_MISTAKES = 5
"""Invalid messages after which a client is disconnected."""

_FROM_JSON: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_FROM_MSGPACK: msgspec.msgpack.Decoder[ClientMessage] = msgspec.msgpack.Decoder(ClientMessage)


def subprotocol(offered: list[str]) -> str | Problem | None:
    """The first offered subprotocol that /ws speaks; None if none was offered, a problem if only others were."""
    names = [name for name in offered if not name.startswith(TOKEN)]
    for name in names:
        if name in SUBPROTOCOLS:
            return name
    if not names:
        # Only a token was offered: the client gets JSON. The token itself is never chosen, for what is chosen is sent
        # back and would put a secret into an answer.
        return JSON if offered else None
    known = list(SUBPROTOCOLS)
    detail = f"none of the offered subprotocols is known: offer {' or '.join(known)}"
    return Problem.of(400, "subprotocol", detail, known=known)


def token_offered(offered: list[str]) -> str | None:
    """The token among the offered subprotocols; None if there is none."""
    return next((name.removeprefix(TOKEN) for name in offered if name.startswith(TOKEN)), None)


class TickKey:
    """A tick in the form that a pace takes: identified by run and tick."""

    def __init__(self, tick: Tick) -> None:
        self.key = (tick.run, tick.seq)


@dataclass(frozen=True, eq=False)
class Form:
    """In what form a client gets states. Clients that want the same share one object, so it is compared by identity."""

    selection: GroupSelection
    binary: bool


_FORMS: WeakValueDictionary[tuple[GroupSelection, bool], Form] = WeakValueDictionary()


def form(selection: GroupSelection, *, binary: bool) -> Form:
    """The one object for this form; it is forgotten when the last client that uses it has gone."""
    found = _FORMS.get((selection, binary))
    if found is None:
        found = _FORMS[selection, binary] = Form(selection, binary)
    return found


class Session:
    """State of one client: what it is subscribed to, its turns, its mistakes, and what it has been told.

    Args:
        wanted: its first subscription.
        binary: true for MessagePack.
        now: when it connected (s).
        caller: who it is.
    """

    def __init__(self, wanted: Subscription, *, binary: bool, now: float, caller: Caller) -> None:
        self.binary = binary
        self.caller = caller
        self.address = ""
        """Where it connects from, behind a trusted proxy that of the proxy's client; the rates of who has no name."""
        self.mistakes = 0
        self.commands = 0
        """How many of its commands are under way."""
        self.wanted = wanted
        self.form = form(wanted.selection, binary=binary)
        self.paces: dict[str, SessionPace | Decimation] = {}
        self._ticks = SessionPace(wanted.rate or DEFAULT_RATE, now)
        self.stale: set[str] = set()
        """Modules about whose silence it has been told."""
        self.blocked: float | None = None
        """Since when it has read nothing although something was there to read; None if it keeps up."""
        self._untaken = 0
        """Most bytes that can be waiting if it has read nothing since the last look: those of then, and all since."""

    def subscribe(self, wanted: Subscription, rings: Mapping[str, FrameRing], now: float) -> list[GapMessage]:
        """Subscribe to something else from now on.

        Args:
            wanted: the checked subscription.
            rings: the newest frames of each module.
            now: time (s).

        Returns:
            The gaps in what it wants to resume: frames that no longer are in the rings.
        """
        self.wanted = wanted
        self.form = form(wanted.selection, binary=self.binary)
        self.stale.clear()  # it may subscribe to a module that is silent, and is to be told about that anew
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
        """Take note that a snapshot was sent with these frames, so that only later ones follow."""
        for name, pace in self.paces.items():
            frame = newest[name]
            # Followers need none of this: their place in the ring is behind that frame already.
            if isinstance(pace, SessionPace) and frame is not None:
                pace.has(frame)

    def change_rate(self, rate: float, now: float) -> None:
        """Get states at a rate (Hz) from now on, also if it was subscribed to every n-th tick before."""
        self.wanted = msgspec.structs.replace(self.wanted, rate=rate, every=None)
        self._ticks.change(rate, now)
        for name, pace in self.paces.items():
            if isinstance(pace, SessionPace):
                pace.change(rate, now)  # and not a new one, which would send the newest frame a second time
            else:
                self.paces[name] = SessionPace(rate, now)

    def takes_tick(self, tick: Tick, now: float) -> bool:
        """Is this tick to be sent?"""
        if self.wanted.every is not None:
            return tick.seq % self.wanted.every == 0
        return self._ticks.takes(TickKey(tick), now)

    def to_be_told(self, module: str) -> bool:
        """Has the client yet to be told that a module is silent? True once for each silence."""
        first = module not in self.stale
        self.stale.add(module)
        return first

    def fresh(self, module: str) -> None:
        """Take note that frames of a module come again."""
        self.stale.discard(module)

    def gave(self, size: int) -> None:
        """Take note that `size` more bytes were written to it."""
        self._untaken += size

    def stuck(self, pending: int, now: float) -> bool:
        """Has the client read nothing for TAKE_TIME although there was something to read? A slow one is not stuck.

        Args:
            pending: bytes that wait in its write buffer.
            now: time (s).
        """
        if not pending:
            self.blocked, self._untaken = None, 0
            return False
        # The buffer alone does not tell: frames are added while it is looked at, so it can grow although the client
        # reads. It has read something if less is there than what was there before plus what was written since.
        if self.blocked is None or pending < self._untaken:
            self.blocked = now
        self._untaken = pending
        return now - self.blocked >= TAKE_TIME

    def hear(self, message: str | bytes) -> ClientMessage | ErrorMessage:
        """Decode a message of the client; an invalid one counts as a mistake, and the error is the answer to it."""
        try:
            if isinstance(message, str):
                return _FROM_JSON.decode(message)
            if self.binary:
                return _FROM_MSGPACK.decode(message)
            return self.mistake(f"binary messages take the subprotocol {MSGPACK}; send JSON as text")
        except (msgspec.DecodeError, ValueError) as error:
            return self.mistake(str(error))
        except RecursionError:  # the client chooses how deep a message is, and the decoder has to go as deep
            return self.mistake("the message is nested too deeply")

    def mistake(self, reason: str) -> ErrorMessage:
        """Count a mistake; the message says why it is one."""
        self.mistakes += 1
        return ErrorMessage(f"{reason[:200]}: send for example " + '{"type":"rate","rate":20}')


def snapshot(plant: GatewayPlant, wanted: Subscription, *, resumed: bool) -> SnapshotMessage:
    """The newest message of each topic that a client wants.

    Args:
        plant: what is known of the plant.
        wanted: the client's subscription.
        resumed: true if frames follow where the client left off; then the newest ones are left out, for the client
            would see time go back after them.
    """
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
    """The position in the ring from which a client gets frames, and what it has missed for good."""
    after = wanted.after
    if after is None:
        return ring.end, None
    position = ring.after(after.run, after.seq)
    # The client's last frame may just have left the ring; as long as the next one is still there nothing is missing.
    if position is None and ring.beginning(after.run, after.seq):
        position = ring.first
    if position is not None:
        return position, None
    following = ring[ring.first].head.seq if ring.end > ring.first else None
    return ring.first, GapMessage(f"state/{module}/", after.run, after.seq, following)
