"""Who may start now, pure: as many programs load at a time as there are processors, and one where they are short.

All at once, the last would be up at the same time and the first much later, and each would look as if it hung.
"""

from collections.abc import Collection, Mapping

from nodes.supervision.account import Account

SETTLED = 0.15
"""Seconds that a program has done nothing after which it has loaded: its loop waits for messages."""

LONGEST = 30.0
"""Seconds of its own after which a program that loads still does not keep the others waiting any more."""


class Turns:
    """The programs of one start.

    Args:
        names: in the order in which they are to start.
        slots: how many may load at a time.
    """

    def __init__(self, names: Collection[str], slots: int) -> None:
        self._waiting = list(names)
        self._loading: set[str] = set()
        self._slots = slots

    @property
    def over(self) -> bool:
        """True once all have been started."""
        return not self._waiting

    def due(self, accounts: Mapping[str, Account]) -> list[str]:
        """Programs to start now.

        Args:
            accounts: of the programs that have a process.
        """
        loading = {name: accounts[name] for name in self._loading if name in accounts}
        self._loading = {name for name, account in loading.items() if _loads(account)}
        # A program that has waited for a processor for longer than it had one says that there are fewer than the kernel
        # counts: a container with a quota, or a machine on which others work.
        short = any(account.excused(account.begun) > account.ran(account.begun) for account in loading.values())
        free = (1 if short else self._slots) - len(self._loading)
        due, self._waiting = self._waiting[: max(0, free)], self._waiting[max(0, free) :]
        self._loading.update(due)
        return due


def _loads(account: Account) -> bool:
    # Loading is work without a pause, so the first pause ends it. The second condition is for a program that is busy
    # from the start and would otherwise keep its place for ever.
    return account.idle(account.begun) < SETTLED and account.usable(account.begun) < LONGEST
