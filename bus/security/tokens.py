"""Tokens and roles. A token is 256 random bits, so inverting its plain SHA-256 is as hard as guessing the token."""

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
"""How a token begins, so that one can be recognised wherever it turns up."""

PATTERN = re.compile(r"kpp_[A-Za-z0-9_\-]{43}")
"""What a token looks like; used to keep logs free of tokens."""

NAME = r"^[a-z0-9][a-z0-9_\-]{0,31}$"
"""What the name of a token looks like."""


class Role(IntEnum):
    """What a caller may do; each role includes those before it."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3
    NODE = 4
    """A process of the plant itself, known by its key on the bus; no token has this role."""

    @classmethod
    def named(cls, name: str) -> "Role":
        """The role of a name in lower case.

        Raises:
            KeyError: if there is none.
        """
        return cls[name.upper()]


class TokenEntry(msgspec.Struct, frozen=True):
    """A token as it is stored.

    Attributes:
        name: who has it, as the audit log names the caller.
        role: what the caller may do.
        sha256: its digest in hexadecimal.
        created: seconds since 1970 when it was made.
    """

    name: Annotated[Label, msgspec.Meta(pattern=NAME)]
    role: Annotated[str, msgspec.Meta(pattern="^(viewer|operator|admin)$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created: float


@dataclass(frozen=True)
class Caller:
    """A caller whose token or key is known.

    Attributes:
        name: its name; empty if it has none.
        role: what it may do.
        token: the stored form of its token, empty without one. It is no part of a comparison, and is never shown.
    """

    name: str
    role: Role
    token: str = field(default="", compare=False, repr=False)


def digest(token: str) -> str:
    """The form in which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(name: str, role: Role) -> tuple[str, TokenEntry]:
    """A new token, and what is stored of it. The token itself is stored nowhere, and cannot be shown again."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, TokenEntry(name, role.name.lower(), digest(token), time.time())


class Tokens:
    """The tokens of a plant.

    Args:
        entries: as they are stored.
    """

    def __init__(self, entries: list[TokenEntry]) -> None:
        self.entries = entries
        self._known = [
            (entry.sha256.encode(), Caller(entry.name, Role.named(entry.role), entry.sha256)) for entry in entries
        ]

    def knows(self, caller: Caller) -> bool:
        """True if the token with which a caller was admitted is still there and has the same role."""
        # The role as well: one that was made smaller must end what the larger one had begun.
        return any(caller.token == each.token and caller.role == each.role for _, each in self._known)

    def caller(self, token: str) -> Caller | None:
        """Whose token this is, None if it is not known; takes the same time whichever it is."""
        # No early return, and a comparison in constant time: how long an answer takes must not say how much of a token
        # was right, nor where in the list it stands.
        given = digest(token).encode()
        found: Caller | None = None
        for known, caller in self._known:
            if hmac.compare_digest(known, given):
                found = caller
        return found


def bearer(authorizations: list[str]) -> str | None:
    """The token of an Authorization header (RFC 6750); None without exactly one header of that scheme.

    Args:
        authorizations: values of the header.
    """
    # Of two headers a proxy may have checked the other one.
    if len(authorizations) != 1:
        return None
    scheme, _, token = authorizations[0].strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
