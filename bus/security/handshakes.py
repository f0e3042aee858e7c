"""Handshakes of the bus that fail: who was not let in, at which address, and which key is at fault. Pure.

Both sides say so: who binds names the host and the key that it refuses, who connects names the address that does not
accept it and the folder of its own keys. Both try again several times a second, so each says it once and then seldom.
"""

from enum import Enum, auto
from pathlib import Path

AGAIN_AFTER = 60.0
"""Seconds after which the same complaint is made again."""

MOST = 32
"""Complaints that are made in that time at most: strangers shall not fill the log."""

BROKEN_OFF_TIMES = 3
"""Handshakes that are broken off without a reason before it is told: one may be of a peer that just ended."""

SHOWN = 8
"""Characters of a public key that tell it from others."""


class Failure(Enum):
    """Why a handshake failed."""

    REFUSED = auto()
    """The key of who connects is not on the list."""
    OTHER_SERVER = auto()
    """Who connects expects another server's key."""
    ONE_SIDED = auto()
    """One side has keys and the other has none."""
    BROKEN_OFF = auto()
    """The other side has ended it and has not said why: so do those that expect another server's key."""


def of_refused_key(peer: str, public: str, folder: Path) -> str:
    """What who binds says of a key that is not on its list.

    Args:
        peer: address of who connects.
        public: its public key.
        folder: of the keys.
    """
    return (
        f"a connection from {peer} was refused: its key {public[:SHOWN]}... is neither node.json nor in clients/ of "
        f"{folder}. Let it in with `kpp keys client`, or give that host a copy of this folder"
    )


def as_server(failure: Failure, address: str, peer: str, folder: Path, *, has_keys: bool) -> str:
    """What who binds says of a handshake that failed, empty if there is nothing to say.

    Args:
        failure: why.
        address: that is bound.
        peer: address of who connects, empty if it was gone before that could be had.
        folder: of the keys.
        has_keys: whether this side has some.
    """
    refused = f"{address}: a connection from {peer or 'a host that was gone at once'} was refused"
    if failure is Failure.OTHER_SERVER:
        return f"{refused}: it has keys of another plant, not those of {folder}. Give that host a copy of this folder"
    if failure is Failure.ONE_SIDED and has_keys:
        return f"{refused}: it has no keys, and this plant has (in {folder}). Give that host a copy of this folder"
    if failure is Failure.ONE_SIDED:
        return f"{refused}: it has keys, and this plant has none in {folder}"
    return ""  # a key that is not on the list is told where it is looked up, and who breaks off has a reason of its own


def as_client(failure: Failure, address: str, folder: Path, public: str) -> str:
    """What who connects says of a handshake that failed.

    Args:
        failure: why.
        address: that it connects to.
        folder: of its keys.
        public: its own public key, empty if it has none.
    """
    own = f"the key {public[:SHOWN]}... of {folder}"
    match failure:
        case Failure.REFUSED:
            return f"{address} does not accept {own}: have it let in there, or copy that plant's keys to {folder}"
        case Failure.ONE_SIDED if not public:
            return f"{address} asks for keys, and there are none in {folder}: copy that plant's keys there (KPP_KEYS)"
        case Failure.ONE_SIDED:
            return f"{address} has no keys, and this host has some in {folder}: use the same on both (KPP_KEYS)"
    return (
        f"{address} breaks off the handshake with {own}: it has another server.json, or is no socket of a plant. Copy "
        f"that plant's keys to {folder}"
    )


class Complaints:
    """Which complaints are due: each at once, then every AGAIN_AFTER seconds, and MOST of them in that time."""

    def __init__(self) -> None:
        self._made: dict[str, float] = {}
        self._broken_off: dict[str, int] = {}

    def due(self, complaint: str, now: float) -> bool:
        """Is this one to be made now?"""
        self._made = {text: moment for text, moment in self._made.items() if now - moment < AGAIN_AFTER}
        if complaint in self._made or len(self._made) >= MOST:
            return False
        self._made[complaint] = now
        return True

    def often(self, failure: Failure, address: str) -> bool:
        """Has a failure come often enough at an address to be told of?"""
        if failure is not Failure.BROKEN_OFF:
            return True
        self._broken_off[address] = self._broken_off.get(address, 0) + 1
        return self._broken_off[address] >= BROKEN_OFF_TIMES

    def succeeded(self, address: str) -> None:
        """A handshake has come to its end."""
        self._broken_off.pop(address, None)
