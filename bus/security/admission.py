"""Who is let in at a web door: token, role and rate of one request, decided without a socket."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.security import keys
from bus.security.hosts import Refusal
from bus.security.limits import Limiter, Rate
from bus.security.tokens import Caller, Role, Tokens

REQUESTS = Rate(per_second=1000.0, burst=2000.0)
COMMANDS = Rate(per_second=100.0, burst=200.0)
FAILURES = Rate(per_second=5 / 60, burst=5.0)
"""Wrong tokens from one address."""


@dataclass
class Admission:
    """The tokens there are and what each caller has asked for so far."""

    tokens: Tokens | None
    requests: Limiter = field(default_factory=lambda: Limiter(REQUESTS))
    commands: Limiter = field(default_factory=lambda: Limiter(COMMANDS))
    failures: Limiter = field(default_factory=lambda: Limiter(FAILURES))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Admission":
        """With the tokens of the plant; without any, everybody who reaches the door may do everything.

        Raises:
            SecurityError: if there are tokens that cannot be used.
        """
        return cls(keys.tokens(keys.folder(environ)))

    def admit(self, token: str | None, needed: Role, address: str, now: float) -> Caller | Refusal:
        """Judge one request.

        Args:
            token: what the client showed, None if nothing.
            needed: role that its request takes.
            address: where it comes from.
            now: time on a clock that never goes back (s).
        """
        caller = self.identify(token, needed, address, now)
        if isinstance(caller, Refusal):
            return caller
        wait = self.requests.wait(caller.name or address, now)
        if not wait and needed >= Role.OPERATOR:
            wait = self.commands.wait(caller.name or address, now)
        if wait:
            return Refusal(429, "rate", f"too many requests: ask again in {wait:.1f} s")
        return caller

    def identify(self, token: str | None, needed: Role, address: str, now: float) -> Caller | Refusal:
        """The same without counting the request against the caller's rate; wrong tokens count all the same."""
        if self.tokens is None:
            return Caller("", Role.ADMIN)
        if self.failures.empty(address, now):
            return Refusal(429, "rate", "too many wrong tokens from this address: wait a minute")
        if token is None and needed == Role.PUBLIC:
            return Caller("", Role.PUBLIC)
        if token is None:
            return Refusal(401, "token", "this needs a token: send Authorization: Bearer <token>")
        caller = self.tokens.caller(token)
        if caller is not None:
            return caller if caller.role >= needed else _lacking(caller, needed)
        self.failures.wait(address, now)
        return Refusal(401, "token", "this token is not known")


def _lacking(caller: Caller, needed: Role) -> Refusal:
    has, needs = caller.role.name.lower(), needed.name.lower()
    return Refusal(403, "role", f"this needs the role {needs}, the token {caller.name!r} has {has}")
