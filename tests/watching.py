"""Waiting for what another process does, and noting what a page should not do."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

PATIENCE = 8.0
"""How many times as long as on a quiet machine a wait may take, so that it fails when nothing goes on any more, and not
because others use the machine as well."""

PAGE_PATIENCE = 120_000
"""Milliseconds that a page may take to show what it should: a few hundred are usual."""


def eventually(condition: Callable[[], Any], timeout: float, what: str, patience: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and return it.

    Args:
        condition: what is waited for.
        timeout: seconds that it may take on a quiet machine.
        what: the same in words.
        patience: how many times as long it may take here; 1 where the time itself is what is measured.

    Raises:
        AssertionError: naming `what`.
    """
    deadline = time.monotonic() + timeout * patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)  # polling another process: there is nothing to wait on
    raise AssertionError(f"not within {timeout * patience:g} s: {what}")


def drag(page: "Page", plot: "Locator") -> None:
    """Drag over a stretch of a plot, as one zooms."""
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 40, steps=4)
    page.mouse.up()


class Watch:
    """What a page did that it should not."""

    def __init__(self, page: "Page") -> None:
        page.set_default_timeout(PAGE_PATIENCE)
        self.complaints: list[str] = []
        self.expected = False
        """True while complaints of the browser itself are part of the test."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self._address(socket.url))

    def _console(self, message: "ConsoleMessage") -> None:
        if message.type in {"error", "warning"} and not self.expected:
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: "Request") -> None:
        self._address(request.url)

    def _address(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(f"request to another host: {url}")
