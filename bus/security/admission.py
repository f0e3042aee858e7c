"""Who is admitted at a web door: token, role and rate of one request, decided without a socket."""

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
"""Requests of one caller, by token or else by address."""

COMMANDS = Rate(per_second=100.0, burst=200.0)
"""Those of them that need the role operator or more."""

FAILURES = Rate(per_second=5 / 60, burst=5.0)
"""Wrong tokens from one address."""


@dataclass
class Admission:
    """The tokens that exist, and how much each caller has asked for so far.

    Attributes:
        tokens: None if the plant has none, so everybody who reaches the door is an administrator.
        requests, commands, failures: limiters of the rates of the same names.
        proxies: the proxies that are believed about their clients.
        folder: the folder from which the tokens are read again when they change; None if they do not.
    """

    tokens: Tokens | None
    requests: Limiter = field(default_factory=lambda: Limiter(REQUESTS))
    commands: Limiter = field(default_factory=lambda: Limiter(COMMANDS))
    failures: Limiter = field(default_factory=lambda: Limiter(FAILURES))
    proxies: Proxies = field(default_factory=Proxies)
    folder: Path | None = None
    _told: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Admission":
        """Admission with the tokens of the plant; without any, everybody who reaches the door may do everything.

        Raises:
            SecurityError: if tokens cannot be used, or if a trusted proxy is not an address.
        """
        folder = keys.folder(environ)
        return cls(keys.tokens(folder), proxies=Proxies.from_environment(environ), folder=folder)

    def on_change(self, tell: Callable[[], None]) -> None:
        """Have `tell` called after the tokens have changed, to end what goes on for callers without a token by then."""
        self._told.append(tell)

    def watch(self, call: Callable[[Callable[[], None]], object]) -> ExitStack:
        """Follow changes of the tokens until the returned stack is closed.

        Args:
            call: has its argument called in the thread that uses this object, such as an event loop's
                `call_soon_threadsafe`; the watch has a thread of its own.
        """
        stack = ExitStack()
        # Without tokens at the start there is nothing to follow: a door that opened without any stays as it is until
        # the next start.
        if self.tokens is not None and self.folder is not None:
            watch = Watch((self.folder,), lambda: call(self.read_anew))
            watch.start()
            stack.callback(watch.close)
        return stack

    def read_anew(self) -> None:
        """Read the tokens again. A file that is gone or damaged admits nobody; it does not open the door."""
        # None would mean a plant without tokens, where everybody may do everything.
        if self.tokens is None or self.folder is None:
            return
        try:
            self.tokens = keys.tokens(self.folder) or Tokens([])
        except keys.SecurityError:
            logging.getLogger(__name__).exception("the tokens cannot be read, so nobody is admitted")
            self.tokens = Tokens([])
        for tell in self._told:
            tell()

    def knows(self, caller: Caller) -> bool:
        """True if a caller who was admitted earlier may go on."""
        return self.tokens is None or caller.role == Role.PUBLIC or self.tokens.knows(caller)

    def admit(
        self, token: str | None, needed: Role, address: str, now: float, *, urgent: bool = False
    ) -> Caller | Refusal:
        """Judge one request.

        Args:
            token: the token that the client sent, None if it sent none.
            needed: role that the request needs.
            address: IP address that it comes from.
            now: time on a clock that never goes back (s).
            urgent: True for a request that never has to wait, such as an emergency stop.

        Returns:
            The caller, or the refusal to answer with.
        """
        caller = self.identify(token, needed, address, now)
        if isinstance(caller, Refusal) or urgent:
            return caller
        # By the token's name where there is one: callers behind one proxy, or on one machine, share an address.
        wait = self.requests.wait(caller.name or address, now)
        if not wait and needed >= Role.OPERATOR:
            wait = self.commands.wait(caller.name or address, now)
        return slow_down("too many requests", wait) if wait else caller

    def identify(self, token: str | None, needed: Role, address: str, now: float) -> Caller | Refusal:
        """Judge as `admit` does, but without counting the request against the caller's rate; wrong tokens still count.

        Credentials come first: only a wrong token is ever slowed down. A caller that shares an address with somebody
        who guesses, behind a proxy or on the same machine, is admitted with a known token, and to what is public.
        """
        # Only on loopback: `bus.security.binding` opens no other door without tokens.
        if self.tokens is None:
            return Caller("", Role.ADMIN)
        caller = None if token is None else self.tokens.caller(token)
        if caller is not None:
            return caller if caller.role >= needed else _lacking(caller, needed)
        # A wrong token is no reason to withhold what everybody may see, such as the page on which to enter another.
        if needed == Role.PUBLIC:
            return Caller("", Role.PUBLIC)
        if token is None:
            return Refusal(401, "token", "this needs a token: send Authorization: Bearer <token>")
        # By address, as there is no name yet. A request without a token is no guess and does not count.
        wait = self.failures.wait(address, now)
        return slow_down("too many wrong tokens from this address", wait) if wait else UNKNOWN


UNKNOWN = Refusal(401, "token", "this token is not known")
"""For every wrong token alike: the answer says nothing about how wrong it is."""


def slow_down(why: str, wait: float) -> Refusal:
    """A 429 whose text and Retry-After give the same number of whole seconds, at least 1."""
    # Rounded up: a client that comes back when it was told to must find a place.
    seconds = max(1, math.ceil(wait))
    return Refusal(429, "rate", f"{why}: ask again in {seconds} s", retry_after=seconds)


def _lacking(caller: Caller, needed: Role) -> Refusal:
    has, needs = caller.role.name.lower(), needed.name.lower()
    return Refusal(403, "role", f"this needs the role {needs}; the token {caller.name!r} has {has}")
