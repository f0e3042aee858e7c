"""Who is let in at a web door: token, role and rate of one request, decided without a socket."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bus.security import keys
from bus.security.hosts import Refusal
from bus.security.proxies import Proxies
from bus.security.rate_limits import Limiter, Rate
from bus.security.tokens import Caller, Role, Tokens
from bus.security.watch import Watch

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
    proxies: Proxies = field(default_factory=Proxies)
    folder: Path | None = None
    """Where the tokens are read anew when they change."""
    _told: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Admission":
        """With the tokens of the plant; without any, everybody who reaches the door may do everything.

        Raises:
            SecurityError: if there are tokens that cannot be used, or a trusted proxy that is no address.
        """
        folder = keys.folder(environ)
        return cls(keys.tokens(folder), proxies=Proxies.from_environment(environ), folder=folder)

    def on_change(self, tell: Callable[[], None]) -> None:
        """Have something called after the tokens have changed, to end what goes on for those who have none any more."""
        self._told.append(tell)

    def watch(self, call: Callable[[Callable[[], None]], object]) -> ExitStack:
        """Follow the tokens until what is returned is closed.

        Args:
            call: has something called in the thread that uses this.
        """
        stack = ExitStack()
        if self.tokens is not None and self.folder is not None:
            watch = Watch((self.folder,), lambda: call(self.read_anew))
            watch.start()
            stack.callback(watch.close)
        return stack

    def read_anew(self) -> None:
        """Take the tokens as they are now. A file that is gone or damaged lets nobody in: it does not open the door."""
        if self.tokens is None or self.folder is None:
            return
        try:
            self.tokens = keys.tokens(self.folder) or Tokens([])
        except keys.SecurityError:
            logging.getLogger(__name__).exception("the tokens cannot be read, so nobody is let in")
            self.tokens = Tokens([])
        for tell in self._told:
            tell()

    def knows(self, caller: Caller) -> bool:
        """May somebody who was let in go on?"""
        return self.tokens is None or caller.role == Role.PUBLIC or self.tokens.knows(caller)

    def admit(
        self, token: str | None, needed: Role, address: str, now: float, *, urgent: bool = False
    ) -> Caller | Refusal:
        """Judge one request.

        Args:
            token: what the client showed, None if nothing.
            needed: role that its request takes.
            address: where it comes from.
            now: time on a clock that never goes back (s).
            urgent: true for what nobody who may do it is ever told to wait for, such as an emergency stop.
        """
        caller = self.identify(token, needed, address, now)
        if isinstance(caller, Refusal) or urgent:
            return caller
        wait = self.requests.wait(caller.name or address, now)
        if not wait and needed >= Role.OPERATOR:
            wait = self.commands.wait(caller.name or address, now)
        return slow_down("too many requests", wait) if wait else caller

    def identify(self, token: str | None, needed: Role, address: str, now: float) -> Caller | Refusal:
        """The same without counting the request against the caller's rate; wrong tokens count all the same.

        Credentials come first: only a wrong token is ever slowed down. Whoever shares an address with somebody who
        guesses, behind a proxy or on the same machine, is let in with a known token and to what is public.
        """
        if self.tokens is None:
            return Caller("", Role.ADMIN)
        caller = None if token is None else self.tokens.caller(token)
        if caller is not None:
            return caller if caller.role >= needed else _lacking(caller, needed)
        if needed == Role.PUBLIC:
            return Caller("", Role.PUBLIC)
        if token is None:
            return Refusal(401, "token", "this needs a token: send Authorization: Bearer <token>")
        wait = self.failures.wait(address, now)
        return slow_down("too many wrong tokens from this address", wait) if wait else UNKNOWN


UNKNOWN = Refusal(401, "token", "this token is not known")


def slow_down(why: str, wait: float) -> Refusal:
    """A 429 whose text and Retry-After say the same."""
    seconds = max(1, math.ceil(wait))
    return Refusal(429, "rate", f"{why}: ask again in {seconds} s", retry_after=seconds)


def _lacking(caller: Caller, needed: Role) -> Refusal:
    has, needs = caller.role.name.lower(), needed.name.lower()
    return Refusal(403, "role", f"this needs the role {needs}, the token {caller.name!r} has {has}")
