"""`python -m ui`: start the dashboard."""

import gc
import os
import sys

from bus.protocol.endpoints import EndpointError, Endpoints
from runtime.process import Starting, begin, give_up


def main() -> int:
    """Import the dashboard and serve until told to stop; returns the exit code."""
    # Modules stay for the life of the process: collections while they load find nothing and take half a second.
    gc.disable()
    log = begin("ui")
    try:
        endpoints = Endpoints.from_environment(os.environ)
    except EndpointError as error:
        return give_up(log, str(error))
    with Starting(endpoints, "ui", "loading the dashboard"):
        from ui.server import serve  # noqa: PLC0415  # the import is what has to run without collections

    return serve(endpoints, log)


if __name__ == "__main__":
    sys.exit(main())
