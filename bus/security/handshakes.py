"""Words about handshakes of the bus that fail: who was refused, at which address, and which key is at fault. Pure.

Both sides report it: the one that binds names the host and the key that it refuses, the one that connects names the
address that does not accept it, and the folder of its own keys. Handshakes are tried again several times a second, so
each side reports the failure once, and then seldom.
"""

from enum import Enum, auto
from pathlib import Path

AGAIN_AFTER = 60.0
"""Seconds after which the same complaint is made again."""

MOST = 32
"""Most complaints in that time: strangers must not be able to fill the log."""

BROKEN_OFF_TIMES = 3
"""Handshakes in a row that end without a reason before it is reported: one may be of a peer that was just ending."""

SHOWN = 8
"""Characters of a public key that are shown: enough to distinguish it from others."""


class Failure(Enum):
    """Why a handshake failed."""

    REFUSED = auto()
    """The connecting side's key is not on the list."""
    OTHER_SERVER = auto()
    """The connecting side expects the key of another server."""
    ONE_SIDED = auto()
    """One side has keys and the other has none."""
    BROKEN_OFF = auto()
    """The other side has ended it without a reason, as a server does if the client expects another server's key."""


def of_refused_key(peer: str, public: str, folder: Path) -> str:
    """What the side that binds reports of a key that is not on its list.

    Args:
        peer: IP address of the side that connects.
        public: its public key in Z85.
        folder: folder of the keys.
    """
    return (
        f"a connection from {peer} was refused: its key {public[:SHOWN]}... is neither node.json nor in clients/ of "
        f"{folder}. Admit it with `kpp keys client`, or give that host a copy of this folder"
    )


def as_server(failure: Failure, address: str, peer: str, folder: Path, *, has_keys: bool) -> str:
    """What the side that binds reports of a failed handshake; empty if there is nothing to report.

    Args:
        failure: why it failed.
        address: the address that is bound.
        peer: IP address of the side that connects, empty if it was gone before that could be read.
        folder: folder of the keys.
        has_keys: whether this side has any.
    """
    refused = f"{address}: a connection from {peer or 'a host that was gone at once'} was refused"
    if failure is Failure.OTHER_SERVER:
        return f"{refused}: it has keys of another plant, not those of {folder}. Give that host a copy of this folder"
    if failure is Failure.ONE_SIDED and has_keys:
        return f"{refused}: it has no keys, and this plant has (in {folder}). Give that host a copy of this folder"
    if failure is Failure.ONE_SIDED:
        return f"{refused}: it has keys, and this plant has none in {folder}"
    # A key that is not on the list was reported where it was looked up. A peer that breaks off has reasons of its own,
    # and reports them itself.
    return ""


def as_client(failure: Failure, address: str, folder: Path, public: str) -> str:
    """What the side that connects reports of a failed handshake.

    Args:
        failure: why it failed.
        address: the address to which it connects.
        folder: folder of its keys.
        public: its own public key in Z85, empty if it has none.
    """
    own = f"the key {public[:SHOWN]}... of {folder}"
    match failure:
        case Failure.REFUSED:
            return f"{address} does not accept {own}: have it admitted there, or copy that plant's keys to {folder}"
        case Failure.ONE_SIDED if not public:
            return f"{address} requires keys, and there are none in {folder}: copy that plant's keys there (KPP_KEYS)"
        case Failure.ONE_SIDED:
            return f"{address} has no keys, and this host has some in {folder}: use the same on both (KPP_KEYS)"
    return (
        f"{address} breaks off the handshake with {own}: it has another server.json, or is not a socket of a plant. "
        f"Copy that plant's keys to {folder}"
    )


class Complaints:
    """Which complaints are due: each at once and then every AGAIN_AFTER seconds, but only MOST of them in that time."""

    def __init__(self) -> None:
        self._made: dict[str, float] = {}
        self._broken_off: dict[str, int] = {}

    def due(self, complaint: str, now: float) -> bool:
        """True if this complaint is to be made at `now` (s); it is then taken as made."""
        # Old ones are dropped first, which also bounds the memory.
        self._made = {text: moment for text, moment in self._made.items() if now - moment < AGAIN_AFTER}
        # By the whole text, with address and key: two strangers are two complaints, and the same one is not repeated.
        if complaint in self._made or len(self._made) >= MOST:
            return False
        self._made[complaint] = now
        return True

    def often(self, failure: Failure, address: str) -> bool:
        """True if a failure has come often enough at an address to be reported."""
        if failure is not Failure.BROKEN_OFF:
            return True
        self._broken_off[address] = self._broken_off.get(address, 0) + 1
        return self._broken_off[address] >= BROKEN_OFF_TIMES

    def succeeded(self, address: str) -> None:
        """Note a handshake that succeeded: failures that were broken off are counted from the beginning again."""
        self._broken_off.pop(address, None)
