"""How many files this process may have open: each connection is one, and a process that has none left cannot go on."""

import resource

WANTED = 8192
"""Enough for every door at its limit; the usual limit of a shell, 1024, is less than a gateway has clients."""


def limit() -> int:
    """Files that may be open at a time, as far as we care."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Allow this process as many open files as we want, or as the system lets us have."""
    # Only up to WANTED, and not up to the hard limit: that may be a billion, and programs that close every possible
    # descriptor before they start another one would take minutes.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
