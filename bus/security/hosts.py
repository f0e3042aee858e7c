"""Who may talk to a server on this machine: requests that name it, and pages that came from it.

A page from elsewhere can make a browser send requests to loopback addresses, under its own name (DNS rebinding) or
across origins, and a WebSocket handshake is not held back by the browser at all. The Host header unmasks the first,
the Origin header the second.
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bus.environment import setting

VARIABLE = "KPP_HOSTS"
"""Environment variable with further names of this machine, separated by commas, for what is reached from others."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    kind: str
    reason: str
    retry_after: int = 0
    """Seconds after which it makes sense to ask again; 0 if it makes none."""


def hostname(authority: str) -> str | None:
    """The host of `host:port`, without brackets and in lower case; None if it is none."""
    try:
        parts = urlsplit(f"//{authority}")
        _port = parts.port  # raises when it is no port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


def is_loopback(host: str) -> bool:
    """Is this host reached from this machine alone?"""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def named(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Further names of this machine, from KPP_HOSTS."""
    return frozenset(filter(None, (name.strip().lower() for name in setting(VARIABLE, "", environ).split(","))))


def is_ours(name: str | None, bound: str, names: frozenset[str] = frozenset()) -> bool:
    """Is this host name this machine as seen from itself, the host that the server was bound to, or a further name?"""
    if not name:
        return False
    return is_loopback(name) or name == bound.strip("[]").lower() or name in names


def check(
    hosts: Sequence[str], origins: Sequence[str], bound: str, names: frozenset[str] = frozenset()
) -> Refusal | None:
    """Judge the Host and Origin headers of a request; None if they are in order.

    Args:
        hosts: values of Host; exactly one is needed.
        origins: values of Origin; programs send none, browsers one.
        bound: host that the server was bound to.
        names: further names of this machine.
    """
    if len(hosts) != 1 or not is_ours(hostname(hosts[0]), bound, names):
        told = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        remedy = f"use localhost or 127.0.0.1, or name this machine in {VARIABLE}"
        return Refusal(400, "host", f"the Host header names {told[:100]!r}: {remedy}")
    for origin in origins:
        scheme, separator, authority = origin.partition("://")
        if scheme not in {"http", "https"} or not separator or not is_ours(hostname(authority), bound, names):
            return Refusal(403, "origin", f"pages from {origin[:100]!r} may not use this server, only local ones")
    return None
