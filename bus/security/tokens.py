"""Tokens and roles. A token is 256 random bits, so its plain SHA-256 is as hard to invert as the token to guess."""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated

import msgspec

from bus.protocol.schema import Label

PREFIX = "kpp_"
PATTERN = re.compile(r"kpp_[A-Za-z0-9_\-]{43}")
"""What a token looks like, so that logs can be kept free of them."""

NAME = r"^[a-z0-9][a-z0-9_\-]{0,31}$"


class Role(IntEnum):
    """What somebody may do; each role includes those before it."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3
    NODE = 4
    """Has no token: a process of the plant itself, by its key on the bus."""

    @classmethod
    def named(cls, name: str) -> "Role":
        """The role of that name. Raises KeyError."""
        return cls[name.upper()]


class TokenEntry(msgspec.Struct, frozen=True):
    """A token as it is stored."""

    name: Annotated[Label, msgspec.Meta(pattern=NAME)]
    role: Annotated[str, msgspec.Meta(pattern="^(viewer|operator|admin)$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created: float


@dataclass(frozen=True)
class Caller:
    """Somebody whose token or key is known."""

    name: str
    role: Role
    token: str = field(default="", compare=False, repr=False)
    """The stored form of its token."""


def digest(token: str) -> str:
    """The form in which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(name: str, role: Role) -> tuple[str, TokenEntry]:
    """A new token and what is stored of it."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, TokenEntry(name, role.name.lower(), digest(token), time.time())


class Tokens:
    """The tokens that there are."""

    def __init__(self, entries: list[TokenEntry]) -> None:
        self.entries = entries
        self._known = [
            (entry.sha256.encode(), Caller(entry.name, Role.named(entry.role), entry.sha256)) for entry in entries
        ]

    def knows(self, caller: Caller) -> bool:
        """Is the token that somebody came in with still there, with the same role?"""
        return any(caller.token == each.token and caller.role == each.role for _, each in self._known)

    def caller(self, token: str) -> Caller | None:
        """Whose token this is; takes the same time whichever it is."""
        given = digest(token).encode()
        found: Caller | None = None
        for known, caller in self._known:
            if hmac.compare_digest(known, given):
                found = caller
        return found


def bearer(authorizations: list[str]) -> str | None:
    """The token of an Authorization header; None if there is none or not exactly one of the kind."""
    if len(authorizations) != 1:
        return None
    scheme, _, token = authorizations[0].strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
