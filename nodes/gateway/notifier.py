"""Wakes whoever waits for the next frame, however many they are."""

import asyncio


class Notifier:
    """Something was heard."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.over = False
        """True once nothing more will come."""

    def notify(self) -> None:
        """Wake everybody."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    def end(self) -> None:
        """Wake everybody for the last time."""
        self.over = True
        self.notify()

    async def wait(self, timeout: float) -> None:
        """Return at the next notification, at the latest after `timeout` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=timeout)
        finally:
            self._waiting.discard(future)
