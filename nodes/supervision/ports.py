"""The addresses that this host's nodes will bind, tried before the first node is started.

A node that cannot bind ends, is started again, and ends again; the terminal would show nothing of the reason.
"""

import errno
import socket
from collections.abc import Collection
from dataclasses import dataclass

from bus.protocol.endpoints import Endpoints, HttpAddress
from bus.security.binding import require_safe_door, require_safe_socket
from bus.security.keys import SecurityError
from nodes.supervision.programs import VARIABLE
from system.interfaces import failure, holder


@dataclass(frozen=True)
class Bound:
    """An address that a node binds.

    Attributes:
        node: node or module, as KPP_NODES names it.
        what: what listens there, in words for messages.
        host: name or IP address, without the brackets of IPv6.
        port: TCP port.
        variable: environment variable that sets the address.
        is_web: it speaks HTTP or WebSocket, and is protected by tokens; otherwise ZeroMQ, protected by keys.
    """

    node: str
    what: str
    host: str
    port: int
    variable: str
    is_web: bool = False

    def require_safe(self) -> None:
        """Refuse an address that other machines can reach while nobody checks who calls.

        Raises:
            SecurityError: with what to set up.
        """
        if self.is_web:
            require_safe_door(HttpAddress(self.host, self.port), self.variable)
        else:
            require_safe_socket(f"tcp://{self.host}:{self.port}")


def bound(endpoints: Endpoints) -> list[Bound]:
    """Every address that the nodes of the plant bind, on whichever host."""

    def web(node: str, what: str, address: HttpAddress, variable: str) -> Bound:
        return Bound(node, what, address.host, address.port, variable, is_web=True)

    def bus(node: str, what: str, address: str, variable: str) -> Bound:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        return Bound(node, what, host.strip("[]"), int(port), variable)

    return [
        web("clock", "the clock's health page", endpoints.clock_http, "KPP_CLOCK_HTTP"),
        web("gateway", "the REST interface", endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        web("gateway", "the WebSocket", endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
        web("ui", "the dashboard", endpoints.ui_http, "KPP_UI_HTTP"),
        bus("clock", "the clock's ticks", endpoints.clock_publish, "KPP_CLOCK_PUBLISH"),
        bus("clock", "the clock's control socket", endpoints.clock_control, "KPP_CLOCK_CONTROL"),
        bus("recorder", "the recorder", endpoints.recorder, "KPP_RECORDER"),
        *(
            bus(module.module, f"{what} of {module.module}.{each.instance}", address, variable)
            for module in endpoints.modules
            for each in module.instances
            for what, address, variable in (
                ("states", each.publish, "KPP_PHYSICS_PUBLISH"),
                ("snapshots", each.snapshot, "KPP_PHYSICS_SNAPSHOT"),
            )
        ),
    ]


def unusable(endpoints: Endpoints, here: Collection[str]) -> list[str]:
    """One line for each address that cannot or must not be bound, with the reason and the remedy.

    Args:
        endpoints: all addresses.
        here: nodes and modules of this host.
    """
    addresses = [each for each in bound(endpoints) if each.node in here]
    lines = _shared(addresses)
    for each in addresses:
        try:
            each.require_safe()
            # Binding is the only sure test: an address may be free, taken, of another host, or not permitted, and the
            # error says which. It is released at once, and the node binds it a moment later. `create_server` sets
            # SO_REUSEADDR as the nodes do, so connections of the last plant that still linger are no obstacle.
            socket.create_server((each.host, each.port)).close()
        except SecurityError as error:
            lines.append(str(error))
        except OSError as error:
            lines.append(_told(each, error))
    return lines


def _shared(addresses: list[Bound]) -> list[str]:
    """One line for each address that two of this host's nodes would bind."""
    # Trying does not show it: each address is free at its turn, since none of the nodes runs yet.
    first: dict[tuple[str, int], Bound] = {}
    lines = []
    for each in addresses:
        other = first.setdefault((each.host, each.port), each)
        if other is not each:
            both = f"{other.what} ({other.variable}) and {each.what} ({each.variable})"
            lines.append(f"port {each.port} would be for {both}: set one of them to another address.")
    return lines


def _told(address: Bound, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        taken = f"port {address.port} for {address.what} is taken: {holder(address.port) or error.strerror}"
        return f"{taken}. Stop it, or set {address.variable} to another address."
    reason = failure(address.host, address.port, error)
    remedy = f"Set {address.variable} to an address of this host, or {VARIABLE} if {address.node} runs on another one."
    return f"{address.what} cannot listen at {address.host}:{address.port}: {reason}. {remedy}"
