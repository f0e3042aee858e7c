"""`python -m nodes.gateway`: opens its doors, listens to the bus and serves until SIGTERM or SIGINT.

--door rest|websocket|both   which door this process serves (default: both)
--fd N                       descriptor of a listening socket that the process inherited, for a single door; workers
                             that inherited the same socket share its connections
"""

import argparse
import gc
import os
import socket

from bus.protocol.endpoints import EndpointError, Endpoints, HttpAddress
from bus.security.binding import require_safe_door
from runtime.process import Starting, begin, give_up
from system.environment_variables import data_folder
from system.interfaces import failure

REST, WEBSOCKET = "rest", "websocket"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.gateway", description="REST and WebSocket of the plant.")
    parser.add_argument("--door", choices=[REST, WEBSOCKET, "both"], default="both", help="door to serve (%(default)s)")
    parser.add_argument("--fd", type=int, metavar="N", help="inherited descriptor of the listening socket of one door")
    given = parser.parse_args()
    if given.fd is not None and given.door == "both":
        parser.error("--fd names a single socket: say with --door which door it belongs to")
    return given


def _open(endpoints: Endpoints, door: str, fd: int | None) -> dict[str, socket.socket]:
    """The listening sockets.

    Raises:
        OSError: naming the address and the variable that moves it.
    """
    addresses = {
        REST: (endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        WEBSOCKET: (endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
    }
    found: dict[str, socket.socket] = {}
    for name in (REST, WEBSOCKET) if door == "both" else (door,):
        address, variable = addresses[name]
        require_safe_door(address, variable)
        found[name] = _listen(address, variable) if fd is None else socket.socket(fileno=os.dup(fd))
    return found


def _listen(address: HttpAddress, variable: str) -> socket.socket:
    try:
        return socket.create_server((address.host, address.port), backlog=1024)
    except OSError as error:
        raise OSError(f"{variable} {address} cannot be bound: {failure(address.host, address.port, error)}") from error


def _count_together(fd: int | None) -> None:
    """Choose the folder in which this worker and its siblings keep their common metrics.

    Workers of one supervisord have the same parent, so its process id names their folder. A gateway that opened its
    sockets itself has no siblings and counts under its own process id.
    """
    folder = data_folder().absolute() / "metrics" / str(os.getppid() if fd is not None else os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def main() -> int:
    """Run the node; the exit code is 0 after a signal to stop, 1 when it cannot start."""
    given = _arguments()
    # Modules stay for the life of the process: collecting garbage while they load costs time and finds nothing.
    gc.disable()
    logger = begin("gateway")
    try:
        endpoints = Endpoints.from_environment(os.environ)
        doors = _open(endpoints, given.door, given.fd)
        _count_together(given.fd)
        with Starting(endpoints, "gateway", "loading"):
            # Not at the head of the file: prometheus_client reads PROMETHEUS_MULTIPROC_DIR when it is imported, so the
            # folder has to be set by then; and the import takes so long that the process has to beat meanwhile.
            from nodes.gateway.app import serve  # noqa: PLC0415  # reads the folder of the metrics, which is set above
        gc.enable()
        # Full collections skip what is frozen; otherwise each would walk every loaded module and stall the loop.
        gc.freeze()
        serve(endpoints, doors, logger)
    except (OSError, EndpointError) as error:
        return give_up(logger, str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
