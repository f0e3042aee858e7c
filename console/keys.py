"""`kpp keys`: make, add and withdraw the keys of the bus and the tokens of the web doors."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bus.security import keys, tokens
from bus.security.keys import FOLDER_MODE, ClientKey, KeyPair, SecurityError
from bus.security.tokens import Role, TokenEntry
from bus.transport.sockets import curve_pair
from system.folder_lock import alone, private_umask
from system.parts import clear_away

OK, WRONG = 0, 2

PATIENCE = 60.0
"""Seconds that a command waits for another one that changes the same folder."""

DESCRIPTION = """\
Keys of the encrypted bus and tokens of the web doors. Without any, everything binds 127.0.0.1 and is open to everybody
who works on this machine; with them, every door checks its callers, and other addresses may be bound. Nodes read their
key pairs when they start, and notice at once when keys or tokens are added or withdrawn. A token is shown once, when it
is made; only its hash is stored."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code.

    Args:
        arguments: the words after `kpp keys`; those of the process when not given.
    """
    given = _parser().parse_args(arguments)
    where: Path = given.folder.absolute()
    try:
        with private_umask():
            return _perform(given, where)
    except OSError as error:
        sys.stderr.write(f"kpp keys: {error}\n")
        return WRONG


def _perform(given: argparse.Namespace, where: Path) -> int:
    # What a command that was killed left half written may hold a secret.
    for folder in (where, where / "clients"):
        clear_away(folder)
    if given.action == "list":
        return _list(where)
    if given.action != "init" and not where.is_dir():
        raise SecurityError(f"{where} has no keys: run `kpp keys init` first")
    # Two commands at once would each write back the tokens that they have read, and one would lose the other's.
    with alone(where, PATIENCE):
        return _change(given, where)


def _change(given: argparse.Namespace, where: Path) -> int:
    match given.action:
        case "init":
            return _init(where)
        case "token":
            return _token(where, given.name, Role.named(given.role))
        case "revoke":
            return _revoke(where, given.name)
        case "client":
            return _client(where, given.name, given.role, given.out)
        case unknown:
            raise ValueError(f"{unknown} is not an action")


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kpp keys", description=DESCRIPTION, allow_abbrev=False)
    top.add_argument(
        "--folder", type=Path, default=keys.folder(), help="folder of the keys (KPP_KEYS, or keys in KPP_DATA)"
    )
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("init", help="make the folder, the keys of the bus and one token for each role")
    token = actions.add_parser("token", help="make a token")
    token.add_argument("name", type=_name, help="who it is for, as the audit log will show it")
    token.add_argument(
        "--role",
        choices=["viewer", "operator", "admin"],
        default="viewer",
        help="what its owner may do (default: viewer)",
    )
    revoke = actions.add_parser("revoke", help="withdraw the token and the key of a name")
    revoke.add_argument("name", type=_name, help="name of a token, a key, or both; see `kpp keys list`")
    client = actions.add_parser("client", help="make a key for a program that connects to the bus")
    client.add_argument("name", type=_name, help="name of the program, as the audit log will show it")
    client.add_argument(
        "--role",
        choices=["viewer", "operator", "admin", "node"],
        default="viewer",
        help="what it may do; node is for processes of the plant on another machine (default: viewer)",
    )
    client.add_argument("--out", type=Path, required=True, help="new file for the program, with its secret key")
    actions.add_parser("list", help="list names and roles")
    return top


def _name(text: str) -> str:
    if re.fullmatch(tokens.NAME, text) is None:
        raise argparse.ArgumentTypeError("use up to 32 lower-case letters, digits, _ and -")
    return text


def _init(where: Path) -> int:
    if (where / "server.json").exists() or (where / "tokens.json").exists():
        raise SecurityError(f"{where} has keys already: remove it to make new ones, or use `kpp keys token`")
    where.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    where.chmod(FOLDER_MODE)  # the folder may have been there before, with another mode
    (where / "clients").mkdir(exist_ok=True, mode=FOLDER_MODE)
    keys.write(where / "server.json", KeyPair(*curve_pair()))
    keys.write(where / "node.json", KeyPair(*curve_pair()))
    made = [tokens.make(role.name.lower(), role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)]
    keys.write(where / "tokens.json", [entry for _, entry in made])
    sys.stdout.write(f"Keys are in {where}. Tokens, shown this once:\n")
    sys.stdout.writelines(f"  {entry.role:<9} {token}\n" for token, entry in made)
    return OK


def _token(where: Path, name: str, role: Role) -> int:
    entries = _entries(where)
    # A name stands in the audit log: two tokens of one name could not be distinguished there, nor withdrawn alone.
    if any(entry.name == name for entry in entries):
        raise SecurityError(f"there is a token {name!r} already: revoke it first")
    token, entry = tokens.make(name, role)
    keys.write(where / "tokens.json", [*entries, entry])
    sys.stdout.write(f"{token}\n")
    return OK


def _revoke(where: Path, name: str) -> int:
    entries = _entries(where)
    left = [entry for entry in entries if entry.name != name]
    key = where / "clients" / f"{name}.json"
    if len(left) == len(entries) and not key.exists():
        raise SecurityError(f"there is neither a token nor a key {name!r}: see `kpp keys list`")
    # Both under one name: a person who loses access must not keep it by way of the other door.
    keys.write(where / "tokens.json", left)
    key.unlink(missing_ok=True)
    sys.stdout.write("Withdrawn: the plant that uses this folder closes every connection that was opened with it.\n")
    return OK


def _client(where: Path, name: str, role: Literal["viewer", "operator", "admin", "node"], out: Path) -> int:
    curve = keys.curve(where)
    if curve is None:
        raise SecurityError(f"{where} has no keys: run `kpp keys init` first")
    if out.exists() or (where / "clients" / f"{name}.json").exists():
        raise SecurityError(f"{name!r} or {out} exists already: revoke the key, or name another file")
    # Not made: a folder that is missing was mistyped, or is not mounted, and is no place for a secret.
    if not out.resolve().parent.is_dir():
        raise SecurityError(f"No such folder: {out.resolve().parent}")
    pair = KeyPair(*curve_pair())
    # The secret first: a key whose secret could not be written would be admitted for good and of use to nobody.
    keys.write(out, {"public": pair.public, "secret": pair.secret, "server": curve.server.public})
    keys.write(where / "clients" / f"{name}.json", ClientKey(pair.public, role))
    sys.stdout.write(f"{out} holds the program's pair and the server's public key, in Z85.\n")
    return OK


def _list(where: Path) -> int:
    sys.stdout.writelines(f"token   {entry.name:<32} {entry.role}\n" for entry in _entries(where))
    sys.stdout.writelines(f"client  {name:<32} {role}\n" for name, role in keys.clients(where))
    return OK


def _entries(where: Path) -> list[TokenEntry]:
    found = keys.tokens(where)
    if found is None:
        raise SecurityError(f"{where} has no tokens: run `kpp keys init` first")
    return found.entries
