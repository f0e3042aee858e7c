"""How many files this process may have open. Each connection is one, and a process that has none left cannot go on."""

import resource

WANTED = 8192
"""Enough for every door at its limit; a shell's usual limit, 1024, is less than the clients that a gateway takes."""


def limit() -> int:
    """Files that this process may have open at a time; WANTED where there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise this process's limit of open files to WANTED, or as far as the system allows; never lower it."""
    # Only up to WANTED, and not up to the hard limit: that may be a billion, and programs that close every possible
    # descriptor before they start another program would take minutes.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
