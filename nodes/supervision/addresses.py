"""`python -m nodes.supervision.addresses`: wait until what this host runs answers, then print its addresses."""

import http.client
import os
import sys
import time
from dataclasses import dataclass

from bus.protocol.codec import FrameError, decode_published
from bus.protocol.endpoints import Endpoints, HttpAddress
from bus.protocol.messages import Status
from bus.security import keys
from bus.transport.sockets import Subscriber
from nodes.supervision.programs import local
from runtime.process import StopSignal, begin

REPORT_FIRST = 5.0
REPORT_LONGEST = 60.0
"""Seconds between two lines about what is missing: the first doubles up to the longest, for ever. A starved machine
comes up in the end, and so does a plant whose other hosts are started later."""

SILENCE = 2.0
"""Without a report for this long the subscription is made anew: it may have met a clock with other keys before."""

POLL = 0.1


def answers(address: HttpAddress, path: str) -> bool:
    """True if an HTTP server answers there at all; what it says of itself is its own matter."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=2.0)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


@dataclass(frozen=True)
class ServedPage:
    """A web address of this host."""

    name: str
    address: HttpAddress
    path: str


class Readiness:
    """What this host runs and what of it is not there yet: pages that do not answer, modules the clock does not hear.

    Args:
        endpoints: all addresses.
        here: nodes and modules of this host.
        reports: subscription to the clock's reports.
    """

    def __init__(self, endpoints: Endpoints, here: frozenset[str], reports: Subscriber) -> None:
        self.pages = [page for node, page in _pages(endpoints) if node in here]
        self.modules = [module.module for module in endpoints.modules if module.module in here]
        self._reports = reports
        self._clock = endpoints.clock_publish
        self._silent = [*self.pages]
        self._unheard = [*self.modules]
        self._clock_heard = False
        self._renew_due = time.monotonic() + SILENCE

    def look(self) -> bool:
        """True while something is missing."""
        # What has answered once is not asked again: a node that is restarted meanwhile is the watchdog's matter, and
        # the addresses would otherwise never be printed on a machine where something is always being restarted.
        self._silent = [page for page in self._silent if not answers(page.address, page.path)]
        while self._unheard and (frames := self._reports.receive()) is not None:
            self._hear(frames)
            self._renew_due = time.monotonic() + SILENCE
        if time.monotonic() >= self._renew_due:
            self._reports.renew()
            self._renew_due = time.monotonic() + SILENCE
        return bool(self._silent or self._unheard)

    def _hear(self, frames: tuple[bytes, bytes]) -> None:
        try:
            message = decode_published(*frames)
        except FrameError:
            return
        if isinstance(message, Status):
            self._clock_heard = True
            # A module beats while it still compiles, and says so: it is there, and cannot compute yet.
            heard = {peer.node for peer in message.peers if peer.health != "starting"}
            self._unheard = [module for module in self._unheard if module not in heard]

    def names(self) -> str:
        """What is missing, in words."""
        missing = [page.name for page in self._silent] + [f"module {module}" for module in self._unheard]
        if not self._unheard or self._clock_heard:
            return ", ".join(missing)
        # ZeroMQ does not tell a subscriber why it hears nothing. What is most likely follows from the keys on this
        # host.
        doubt = (
            "or does not accept this host's keys" if keys.curve(keys.folder()) else "or has keys, and this host none"
        )
        return f"{', '.join(missing)} (the clock at {self._clock} is not heard: it is not there, {doubt})"


def _pages(endpoints: Endpoints) -> list[tuple[str, ServedPage]]:
    return [
        ("ui", ServedPage("Dashboard", endpoints.ui_http, "/")),
        ("gateway", ServedPage("REST", endpoints.gateway_http, "/status")),
        ("gateway", ServedPage("WebSocket", endpoints.gateway_websocket, "/")),
        ("clock", ServedPage("Clock", endpoints.clock_http, "/health")),
    ]


def main() -> int:
    """Print the addresses once all answer, and until then, ever more seldom, what does not."""
    begin("addresses")
    stop = StopSignal()
    endpoints = Endpoints.from_environment(os.environ)
    pause = REPORT_FIRST
    report = time.monotonic() + pause
    with Subscriber([endpoints.clock_publish], [Status.TOPIC]) as reports:
        waiting = Readiness(endpoints, local(endpoints, os.environ), reports)
        while waiting.look():
            if stop:
                return 0
            if time.monotonic() >= report:
                pause = min(2 * pause, REPORT_LONGEST)
                report = time.monotonic() + pause
                _say(f"waiting for: {waiting.names()}; see var/log/\n")
            time.sleep(POLL)
    lines = [f"  {page.name:<10} {page.address}{page.path}" for page in waiting.pages]
    if len(endpoints.modules) > 1 or not lines:
        lines.append(f"  {'Modules':<10} {', '.join(waiting.modules) or 'on other hosts'}")
    _say("\nThe Kinetic Power Plant simulator is up. Ctrl-C stops it.\n" + "\n".join(lines) + "\n\n")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
