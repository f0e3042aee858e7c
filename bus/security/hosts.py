"""Who may talk to a server on this machine: requests that name it, and pages that came from it. Pure.

A page from elsewhere can make a browser send requests to loopback addresses, under its own name (DNS rebinding) or
across origins, and browsers do not hold back a WebSocket handshake at all. The Host header reveals the first, the
Origin header the second. Pages that another server on this machine has sent are foreign, too.
"""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from bus.security.keys import SecurityError
from system.environment_variables import setting

VARIABLE = "KPP_HOSTS"
"""Environment variable with further names by which other machines reach this one: `name` or `name:port`, separated by
commas."""

UI_VARIABLE = "KPP_UI_HOSTS"
"""The same for the dashboard only."""

ORIGINS_VARIABLE = "KPP_ORIGINS"
"""Environment variable with origins whose pages may use the gateway, such as `https://app.example`, separated by
commas."""

DEFAULT_PORTS: Final[Mapping[str, int]] = MappingProxyType({"http": 80, "https": 443})
"""Scheme -> the port that browsers leave out of both headers."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not admitted.

    Attributes:
        status: HTTP status.
        kind: for programs, the last part of the problem's type.
        reason: for people.
        retry_after: seconds after which it makes sense to ask again; 0 if it never does.
    """

    status: int
    kind: str
    reason: str
    retry_after: int = 0


@dataclass(frozen=True)
class Place:
    """Host and port of a header or of a setting; the port is None where it was left out."""

    host: str
    port: int | None

    def __str__(self) -> str:
        """As it is written in a setting."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


_HOST = re.compile(r"[a-z0-9._\-:%]+")
"""A name as browsers send it, with letters beyond ASCII encoded (xn--...), or an IP address."""


def place(authority: str) -> Place | None:
    """Read `host` or `host:port`; the host is returned without brackets and in lower case. None if it is neither."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port  # raises ValueError if it is not a port
    except ValueError:
        return None
    # `urlsplit` takes much more than an authority. Whatever is there in addition would be a way to say one name and
    # mean another.
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    if _HOST.fullmatch(parts.hostname or "") is None:
        return None
    return Place(parts.hostname or "", port)


@dataclass(frozen=True)
class Names:
    """The names by which this machine is reached, and the origins whose pages may use it.

    Args:
        bound: host to which the server is bound.
        further: names other than loopback and the bound one.
        origins: foreign origins as `scheme://host:port`.
    """

    bound: str
    further: frozenset[Place] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def from_environment(
        cls, bound: str, environ: Mapping[str, str] = os.environ, variables: Sequence[str] = (VARIABLE,)
    ) -> "Names":
        """The names that the given variables hold, and the origins of KPP_ORIGINS.

        Args:
            bound: host to which the server is bound.
            environ: the variables.
            variables: those with names of this machine.

        Raises:
            SecurityError: naming the variable, and what in it is not a name or not an origin.
        """
        further = frozenset(found for variable in variables for found in named(environ, variable))
        return cls(bound, further, _origins(environ))

    def is_ours(self, host: str) -> bool:
        """True if a host is this machine as seen from itself, the host to which the server is bound, or a further name.

        The port does not count: a proxy or a container may map it.
        """
        own = host == self.bound.strip("[]").lower() or any(host == each.host for each in self.further)
        return own or is_loopback(host)

    def allows(self, origin: str) -> bool:
        """True if pages of this foreign origin may use the server."""
        return _normal(origin) in self.origins

    def sent(self, origin: str, host: Place) -> bool:
        """True if this server itself has sent the pages of an origin.

        It has if they were reached by the name and port that the request names. A proxy that ends TLS may pass on
        another Host: then the origin has the proxy's own name, which must be one of the further names, with the port of
        that name or without any.

        Args:
            origin: the request's Origin header.
            host: the request's Host header.
        """
        scheme, found = _origin(origin)
        if found is None:
            return False
        # The scheme is the browser's, which a proxy that ends TLS may have reached by https while we speak http. So the
        # default port of the origin's scheme is taken for the Host header, too.
        default = DEFAULT_PORTS[scheme]
        wanted = (found.host, found.port or default)
        if wanted == (host.host, host.port or default):
            return True
        ports = {each.port or default for each in self.further if each.host == found.host}
        return wanted[1] in ports


def is_loopback(host: str) -> bool:
    """True if a host can be reached from this machine only."""
    # Other names are not looked up: a resolver may be wrong, or in a stranger's hands.
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def named(environ: Mapping[str, str] = os.environ, variable: str = VARIABLE) -> list[Place]:
    """Further names of this machine, in the order of one variable.

    Raises:
        SecurityError: naming the variable, and what in it is not a name.
    """
    found = []
    for text in filter(None, (part.strip() for part in setting(variable, "", environ).split(","))):
        name = place(text)
        if name is None:
            raise SecurityError(f"{variable}: {text!r} is not a name: write plant.example or plant.example:8443")
        found.append(name)
    return found


def check(hosts: Sequence[str], origins: Sequence[str], names: Names) -> Refusal | None:
    """Judge the Host and Origin headers of a request; None if they are in order.

    Args:
        hosts: values of Host; exactly one is needed.
        origins: values of Origin; programs send none, browsers one.
        names: names of this machine, and the origins that are allowed.
    """
    # Two Host headers are a way to have a proxy see one and the server the other.
    host = place(hosts[0]) if len(hosts) == 1 else None
    if host is None or not names.is_ours(host.host):
        told = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        remedy = f"use localhost or 127.0.0.1, or name this machine in {VARIABLE}"
        return Refusal(400, "host", f"the Host header names {told[:100]!r}: {remedy}")
    # No Origin at all is a program's request. It is browsers that act for pages without being asked by their users.
    for origin in origins:
        if not names.sent(origin, host) and not names.allows(origin):
            remedy = f"name the origin in {ORIGINS_VARIABLE}, or a proxy's own name in {VARIABLE}"
            return Refusal(403, "origin", f"pages from {origin[:100]!r} may not use this server: {remedy}")
    return None


def _origin(origin: str) -> tuple[str, Place | None]:
    # "null", which browsers send for files and for sandboxed frames, has no scheme and so belongs to nobody.
    scheme, separator, authority = origin.partition("://")
    return scheme, place(authority) if separator and scheme in DEFAULT_PORTS else None


def _normal(origin: str) -> str | None:
    """An origin with its port, also where it is the default; None if the text is not an origin."""
    scheme, found = _origin(origin)
    return None if found is None else f"{scheme}://{found.host}:{found.port or DEFAULT_PORTS[scheme]}"


def _origins(environ: Mapping[str, str]) -> frozenset[str]:
    found = set()
    for text in filter(None, (part.strip() for part in setting(ORIGINS_VARIABLE, "", environ).split(","))):
        normal = _normal(text)
        if normal is None:
            raise SecurityError(f"{ORIGINS_VARIABLE}: {text!r} is not an origin: write https://app.example")
        found.add(normal)
    return frozenset(found)
