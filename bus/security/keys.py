"""The folder of keys: pairs for the encrypted bus, the list of those who may connect, and the tokens of the web doors.

    server.json         pair of the sockets that bind; who connects needs its public half
    node.json           pair with which the nodes connect
    clients/NAME.json   public keys that are let in, one file each, with the role of each
    tokens.json         names, roles and hashes of the tokens

The folder has mode 0700 and each file 0600; what others can read is refused instead of used.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from bus.security.tokens import Caller, Role, TokenEntry, Tokens
from system.environment_variables import data_folder, setting
from system.whole import write_whole

VARIABLE = "KPP_KEYS"
FOLDER_MODE = 0o700
FILE_MODE = 0o600
LARGEST = 1 << 20
"""Bytes of a file that is read."""

Z85 = Annotated[str, msgspec.Meta(min_length=40, max_length=40)]


class SecurityError(OSError):
    """Keys that cannot be used, or an address that must not be bound; the text says why and what to do."""


class KeyPair(msgspec.Struct, frozen=True):
    """A CURVE key pair in Z85."""

    public: Z85
    secret: Z85

    def __repr__(self) -> str:
        """The public half alone: what is printed or logged shall hold no secret."""
        return f"KeyPair(public={self.public!r})"


class ClientKey(msgspec.Struct, frozen=True):
    """The half that others may see of a program's pair, and what the program may do."""

    public: Z85
    role: Literal["viewer", "operator", "admin", "node"] = "operator"
    """Keys that were made before there were roles go on commanding."""


NOBODY = Caller("", Role.PUBLIC)
"""Whoever has no key that is on the list."""

ANYBODY = Caller("", Role.NODE)
"""Whoever reaches the bus of a plant without keys."""


@dataclass(frozen=True)
class Curve:
    """What the sockets of a node need."""

    server: KeyPair
    node: KeyPair
    folder: Path

    def known(self) -> set[str]:
        """Every key that may connect now; one whose file cannot be used may not."""
        found = {self.node.public}
        for path in (self.folder / "clients").glob("*.json"):
            with contextlib.suppress(SecurityError):
                found.add(_read(path, ClientKey).public)
        return found

    def allowed(self, public: str) -> bool:
        """May who has this key connect? Read anew each time, so that a key can be added and withdrawn."""
        return self.caller(public) != NOBODY

    def caller(self, public: str) -> Caller:
        """Whose key this is and what it may do; NOBODY if it is not on the list, or not any more."""
        if public == self.node.public:
            return ANYBODY
        for path in (self.folder / "clients").glob("*.json"):
            key: ClientKey = _read(path, ClientKey)
            if key.public == public:
                return Caller(path.stem, Role.named(key.role))
        return NOBODY


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the keys are: KPP_KEYS, or `keys` in the plant's data."""
    return Path(setting(VARIABLE, str(data_folder(environ) / "keys"), environ)).absolute()


@cache
def curve(where: Path) -> Curve | None:
    """Keys of the bus; None when there are none.

    Raises:
        SecurityError: if there are some and they cannot be used.
    """
    if not (where / "server.json").exists():
        return None
    _require_private(where, FOLDER_MODE)
    return Curve(_read(where / "server.json", KeyPair), _read(where / "node.json", KeyPair), where)


def tokens(where: Path) -> Tokens | None:
    """Tokens of the web doors; None when there are none. Raises SecurityError as `curve`."""
    path = where / "tokens.json"
    if not path.exists():
        return None
    _require_private(where, FOLDER_MODE)
    return Tokens(_read(path, list[TokenEntry]))


def folders(where: Path) -> tuple[Path, ...]:
    """The folders in which a change means that a key or a token was added or withdrawn."""
    return tuple(each for each in (where, where / "clients") if each.is_dir())


def clients(where: Path) -> list[tuple[str, str]]:
    """Names and roles of the keys that are let in. Raises SecurityError as `curve`."""
    return [(path.stem, _read(path, ClientKey).role) for path in sorted((where / "clients").glob("*.json"))]


def write(path: Path, value: Any) -> None:
    """Write a file of the folder: complete or not at all, and never readable by others, not for a moment."""
    path = path.resolve()  # what a link leads to is written, and the link stays
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _read(path: Path, kind: Any) -> Any:
    _require_private(path, FILE_MODE)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise SecurityError(f"{path} is larger than {LARGEST} bytes")
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise SecurityError(f"{path} is damaged ({error}): make it anew with `kpp keys`") from error
    except FileNotFoundError as error:
        raise SecurityError(f"{path} is missing: make the keys anew with `kpp keys init`") from error


def _require_private(path: Path, mode: int) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if stat.S_IMODE(found.st_mode) & ~mode:
        told = stat.S_IMODE(found.st_mode)
        raise SecurityError(f"{path} has mode {told:04o}, others could read it: chmod {mode:o} {path}")
