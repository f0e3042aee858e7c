"""What browsers learn about pages of other origins: those that KPP_ORIGINS names may use the gateway, no others.

Source of the headers: the Fetch standard (CORS protocol).
"""

from collections.abc import Sequence

from bus.security.hosts import Names

REMEMBERED = 600
"""Seconds for which a browser may remember the answer to its preflight request."""

_SENT = "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id"
"""Headers that a page may send, beside those that browsers always allow."""

_SHOWN = "content-disposition, etag, idempotency-key, retry-after"
"""Headers of an answer that a page may read, beside those that browsers always show."""


def shared(origins: Sequence[str], names: Names) -> dict[str, str]:
    """Headers of every answer to a page of a named origin; none of them for other pages.

    There are no cookies and no passwords that a browser would send by itself, so no header speaks of credentials: a
    page sends a token in a header of its own.

    Args:
        origins: values of the request's Origin header.
        names: says which origins are allowed.
    """
    if not names.origins:
        return {}
    # On every answer, also to a page that is not allowed: a cache must not give one origin the answer to another.
    found = {"vary": "origin"}
    # The origin itself and never "*": only pages of origins that are named may read the answer.
    if len(origins) == 1 and names.allows(origins[0]):
        found |= {"access-control-allow-origin": origins[0], "access-control-expose-headers": _SHOWN}
    return found


def preflight(methods: Sequence[str]) -> dict[str, str]:
    """Further headers of the answer to a preflight request of such a page.

    Args:
        methods: the methods that the path has.
    """
    return {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": _SENT,
        "access-control-max-age": str(REMEMBERED),
    }
