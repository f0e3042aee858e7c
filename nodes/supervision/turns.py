"""Which programs may start now, pure: as many load at a time as there are processors, and one where those are short.

If all programs started at once, the last would be up no earlier and the first much later, and each would look as if it
hung.
"""

from collections.abc import Collection, Mapping

from nodes.supervision.account import Account

SETTLED = 0.15
"""Seconds without work after which a program has loaded: its loop waits for messages."""

LONGEST = 30.0
"""Usable seconds after which a program that is still loading no longer keeps the others waiting."""


class Turns:
    """The programs of one start of the plant.

    Args:
        names: in the order in which they are to start.
        slots: how many may load at a time, 1 or more.
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
        """Programs to start now; each is named once.

        Args:
            accounts: accounts of the programs that have a process, by name.
        """
        # A program without an account has died: its place goes to the next one, and nobody waits for its restart.
        loading = {name: accounts[name] for name in self._loading if name in accounts}
        self._loading = {name for name, account in loading.items() if _loads(account)}
        # A program that has waited for a processor for longer than it had one shows that there are fewer than the
        # kernel counts: in a container with a quota, or on a machine where others work.
        short = any(account.excused(account.begun) > account.ran(account.begun) for account in loading.values())
        free = (1 if short else self._slots) - len(self._loading)
        due, self._waiting = self._waiting[: max(0, free)], self._waiting[max(0, free) :]
        self._loading.update(due)
        return due


def _loads(account: Account) -> bool:
    # Loading is work without a pause, so the first pause ends it. The second condition is for a program that stays busy
    # and would otherwise never give up its place.
    return account.idle(account.begun) < SETTLED and account.usable(account.begun) < LONGEST
