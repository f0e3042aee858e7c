"""`python -m nodes.addresses`: wait until the four addresses answer, then print them."""

import http.client
import os
import sys
import time

from bus.endpoints import Endpoints, HttpAddress
from bus.process import StopSignal, begin

TIMEOUT = 120.0
REPORT_INTERVAL = 5.0
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


def main() -> int:
    """Print the addresses once all answer; returns 1 if some still do not after TIMEOUT seconds."""
    begin("addresses")
    stop = StopSignal()
    endpoints = Endpoints.from_environment(os.environ)
    pages = [
        ("Dashboard", endpoints.ui_http, "/"),
        ("REST", endpoints.gateway_http, "/status"),
        ("WebSocket", endpoints.gateway_websocket, "/"),
        ("Clock", endpoints.clock_http, "/health"),
    ]
    waiting = list(pages)
    start = time.monotonic()
    report = start + REPORT_INTERVAL
    while waiting and not stop:
        waiting = [page for page in waiting if not answers(page[1], page[2])]
        now = time.monotonic()
        if waiting and now - start > TIMEOUT:
            _say(f"after {TIMEOUT:.0f} s still no answer from: {_names(waiting)}; see var/log/\n")
            return 1
        if waiting and now >= report:
            report = now + REPORT_INTERVAL
            _say(f"waiting for: {_names(waiting)}\n")
        if waiting:
            time.sleep(POLL)
    if stop:
        return 0
    lines = [f"  {name:<10} {address}{path}" for name, address, path in pages]
    _say("\nThe Kinetic Power Plant simulator is up. Ctrl-C stops it.\n" + "\n".join(lines) + "\n\n")
    return 0


def _names(pages: list[tuple[str, HttpAddress, str]]) -> str:
    return ", ".join(name for name, _address, _path in pages)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
