"""Wakes all coroutines that wait for the next message, however many they are."""

import asyncio


class Notifier:
    """Says that a message was heard. For one loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.over = False
        """True once no further message will come; whoever waits in a loop ends."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def notify(self) -> None:
        """Wake everybody who waits now."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    def end(self) -> None:
        """Wake everybody for the last time: the process stops."""
        self.over = True
        self.notify()

    async def wait(self, timeout: float) -> None:
        """Return at the next notification, or after `timeout` seconds without one."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=timeout)
        finally:
            self._waiting.discard(future)
