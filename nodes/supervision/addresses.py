"""`python -m nodes.supervision.addresses`: wait until everything that this host runs answers, then print where."""

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
"""Seconds between two lines about what is missing: the first pause doubles up to the longest, without an end. A plant
on a starved machine comes up eventually, and so does one whose other hosts are started later."""

SILENCE = 2.0
"""Seconds without a report after which the subscription is renewed: the clock may have had other keys before, and
libzmq does not connect again after every kind of failed handshake."""

POLL = 0.1
"""Seconds between two looks."""


def answers(address: HttpAddress, path: str) -> bool:
    """True if an HTTP server answers there at all, with whatever status: a node that reports a fault is up, too."""
    # Without a time limit a server that accepts and never answers would hold up the lines about all the others.
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
    """What this host runs, and which part of it is still missing.

    A page is missing until it answers, and a module until the clock hears it, wherever the clock runs.

    Args:
        endpoints: all addresses.
        here: names of the nodes and modules of this host.
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
        # What has answered once is not asked again. A node that is restarted meanwhile is the watchdog's business, and
        # on a machine where something is always being restarted the addresses would never be printed.
        self._silent = [page for page in self._silent if not answers(page.address, page.path)]
        # Reports are read only while a module is missing: they say nothing else that is needed here.
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
            # A module beats while it still compiles, and says that it is starting: it is there, but cannot compute yet.
            heard = {peer.node for peer in message.peers if peer.health != "starting"}
            self._unheard = [module for module in self._unheard if module not in heard]

    def names(self) -> str:
        """What is missing, in words for the terminal."""
        missing = [page.name for page in self._silent] + [f"module {module}" for module in self._unheard]
        if not self._unheard or self._clock_heard:
            return ", ".join(missing)
        # ZeroMQ does not report to a subscriber why it hears nothing. The keys of this host say what is most likely.
        doubt = (
            "or does not accept this host's keys"
            if keys.curve(keys.folder())
            else "or requires keys, and this host has none"
        )
        return f"{', '.join(missing)} (the clock at {self._clock} is not heard: it is not running, {doubt})"


def _pages(endpoints: Endpoints) -> list[tuple[str, ServedPage]]:
    return [
        ("ui", ServedPage("Dashboard", endpoints.ui_http, "/")),
        ("gateway", ServedPage("REST", endpoints.gateway_http, "/status")),
        ("gateway", ServedPage("WebSocket", endpoints.gateway_websocket, "/")),
        ("clock", ServedPage("Clock", endpoints.clock_http, "/health")),
    ]


def main() -> int:
    """Print the addresses once all of them answer, and until then, less and less often, which do not."""
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
    # The output is a pipe to supervisord, which Python would fill by the block: the lines would come at the exit.
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
