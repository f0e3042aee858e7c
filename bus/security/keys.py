"""The folder of keys: pairs for the encrypted bus, the list of those who may connect, and the tokens of the web doors.

    server.json         pair of the sockets that bind; those that connect need its public half
    node.json           pair with which the nodes connect
    clients/NAME.json   public keys that are admitted, one file each, with the role of each
    tokens.json         names, roles and hashes of the tokens

The folder has mode 0700 and each file 0600; a file that others can read is refused instead of used.
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
"""Environment variable with the folder."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600
LARGEST = 1 << 20
"""Most bytes of a file of the folder."""

Z85 = Annotated[str, msgspec.Meta(min_length=40, max_length=40)]
"""A key of 32 bytes as text (ZeroMQ RFC 32)."""


class SecurityError(OSError):
    """Keys that cannot be used, or an address that must not be bound. The text says why, and what to do."""


class KeyPair(msgspec.Struct, frozen=True):
    """A CURVE key pair in Z85."""

    public: Z85
    secret: Z85

    def __repr__(self) -> str:
        """The public half only: nothing that is printed or logged may show a secret."""
        return f"KeyPair(public={self.public!r})"


class ClientKey(msgspec.Struct, frozen=True):
    """The public half of a program's pair, and what the program may do."""

    public: Z85
    role: Literal["viewer", "operator", "admin", "node"] = "operator"
    """Files that were made before there were roles have none, and their programs may go on giving commands."""


NOBODY = Caller("", Role.PUBLIC)
"""A caller whose key is not on the list."""

ANYBODY = Caller("", Role.NODE)
"""Every caller on the bus of a plant without keys, and the plant's own nodes on one with keys."""


@dataclass(frozen=True)
class Curve:
    """The keys that the sockets of a node need.

    Attributes:
        server: pair of the sockets that bind.
        node: pair of the sockets that connect.
        folder: folder of the keys, in which the admitted keys are looked up.
    """

    server: KeyPair
    node: KeyPair
    folder: Path

    def known(self) -> set[str]:
        """Every key that may connect at present; one whose file cannot be used may not."""
        found = {self.node.public}
        for path in (self.folder / "clients").glob("*.json"):
            with contextlib.suppress(SecurityError):
                found.add(_read(path, ClientKey).public)
        return found

    def allowed(self, public: str) -> bool:
        """True if a public key may connect. The files are read each time, so keys can be added and withdrawn."""
        return self.caller(public) != NOBODY

    def caller(self, public: str) -> Caller:
        """Whose key this is and what it may do; NOBODY if it is not on the list, or no longer on it.

        Raises:
            SecurityError: if no file has this key and one cannot be used, which may be the one with it.
        """
        # Before the files, so the nodes of the plant hear each other whatever is wrong in clients/.
        if public == self.node.public:
            return ANYBODY
        unusable: SecurityError | None = None
        for path in (self.folder / "clients").glob("*.json"):
            try:
                key: ClientKey = _read(path, ClientKey)
            except SecurityError as problem:  # it must not shut out the programs whose files come after it
                unusable = unusable or problem
                continue
            if key.public == public:
                return Caller(path.stem, Role.named(key.role))
        if unusable is not None:
            raise unusable
        return NOBODY


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the keys are: KPP_KEYS, or else the folder `keys` in the plant's data."""
    # Absolute, since it is a key of the cache below, and messages that name it are read elsewhere.
    return Path(setting(VARIABLE, str(data_folder(environ) / "keys"), environ)).absolute()


@cache
def curve(where: Path) -> Curve | None:
    """Keys of the bus; None if there are none. Read once in a process: its sockets keep the keys that they began with.

    Raises:
        SecurityError: if there are keys and they cannot be used.
    """
    # One file decides whether there are keys. If the other one is missing that is an error, and not an open bus.
    if not (where / "server.json").exists():
        return None
    _require_private(where, FOLDER_MODE)
    return Curve(_read(where / "server.json", KeyPair), _read(where / "node.json", KeyPair), where)


def tokens(where: Path) -> Tokens | None:
    """Tokens of the web doors; None if there are none.

    Raises:
        SecurityError: if there are tokens and they cannot be used.
    """
    path = where / "tokens.json"
    if not path.exists():
        return None
    _require_private(where, FOLDER_MODE)
    return Tokens(_read(path, list[TokenEntry]))


def folders(where: Path) -> tuple[Path, ...]:
    """The folders to watch: a change in them means that a key or a token was added or withdrawn."""
    # Both, since inotify reports what happens in a folder itself and not in the folders below it.
    return tuple(each for each in (where, where / "clients") if each.is_dir())


def clients(where: Path) -> list[tuple[str, str]]:
    """Names and roles of the keys that are admitted, by name.

    Raises:
        SecurityError: if a file of the list cannot be used.
    """
    return [(path.stem, _read(path, ClientKey).role) for path in sorted((where / "clients").glob("*.json"))]


def write(path: Path, value: Any) -> None:
    """Write a file of the folder as JSON: whole or not at all, and never readable by others, not even for a moment."""
    path = path.resolve()  # a folder that is missing is made where a link leads
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _read(path: Path, kind: Any) -> Any:
    _require_private(path, FILE_MODE)
    try:
        # One byte more than the limit shows that the file is larger, however large it is.
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise SecurityError(f"{path} is larger than {LARGEST} bytes")
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise SecurityError(f"{path} is damaged ({error}): make it again with `kpp keys`") from error
    except FileNotFoundError as error:
        raise SecurityError(f"{path} is missing: make the keys again with `kpp keys init`") from error


def _require_private(path: Path, mode: int) -> None:
    # Refused rather than closed: a secret that others could read may have been read, and needs to be replaced.
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if stat.S_IMODE(found.st_mode) & ~mode:
        told = stat.S_IMODE(found.st_mode)
        raise SecurityError(f"{path} has mode {told:04o}, so others could read it: chmod {mode:o} {path}")
