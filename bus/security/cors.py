"""What a browser is told about pages of another origin: those that KPP_ORIGINS names may use the gateway, no others."""

from collections.abc import Sequence

from bus.security.hosts import Names

REMEMBERED = 600
"""Seconds for which a browser may remember what it was told before it sent the request itself."""

_SENT = "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id"
_SHOWN = "content-disposition, etag, idempotency-key, retry-after"


def shared(origins: Sequence[str], names: Names) -> dict[str, str]:
    """Headers of every answer to a page of a named origin; none for others.

    There are no cookies and no passwords that a browser would send by itself, so that nothing is said of credentials:
    a page shows a token in a header of its own.
    """
    if not names.origins:
        return {}
    found = {"vary": "origin"}
    if len(origins) == 1 and names.allows(origins[0]):
        found |= {"access-control-allow-origin": origins[0], "access-control-expose-headers": _SHOWN}
    return found


def preflight(methods: Sequence[str]) -> dict[str, str]:
    """Further headers of the answer to a browser that asks before it sends the request of such a page."""
    return {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": _SENT,
        "access-control-max-age": str(REMEMBERED),
    }
