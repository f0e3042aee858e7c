"""A plug-in of supervisord for the gateway: it holds the listening sockets that the gateway's workers share.

An `fcgi-program` binds the one address that supervisord.conf states. The plant's addresses come from the environment,
so the file names a unix socket, and this plug-in puts the right socket in its place before the first worker starts. It
holds the socket as long as supervisord lives: while no worker is there, connections wait instead of being refused.
"""

import os
from typing import Any

from supervisor import events
from supervisor.datatypes import InetStreamSocketConfig
from supervisor.process import FastCGIProcessGroup
from supervisor.socket_manager import SocketManager

from bus.protocol.endpoints import EndpointError, Endpoints, HttpAddress
from bus.security.binding import require_safe_door

BACKLOG = 1024
"""Connections that may wait to be accepted, on each of the sockets."""


def shared(endpoints: Endpoints) -> dict[str, tuple[HttpAddress, str]]:
    """Programs whose workers share a socket -> the socket's address and the variable that sets it."""
    return {
        "gateway": (endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        "stream": (endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
    }


class ListeningSockets:
    """Hooks into a running supervisord. It offers no remote calls; supervisord loads plug-ins as such interfaces only.

    Args:
        supervisord: the supervisor.
    """

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._held: list[Any] = []
        events.subscribe(events.SupervisorRunningEvent, self._bind)
        events.subscribe(events.SupervisorStoppingEvent, self._release)

    def _bind(self, _event: Any) -> None:
        # At this event supervisord has read its file and started nothing, so even the first worker finds the right
        # socket. Its own manager makes the socket only when a worker asks for it: the one for the unix socket of the
        # file is replaced before it has bound anything.
        options = self._supervisord.options
        try:
            for name, (address, variable) in shared(Endpoints.from_environment(os.environ)).items():
                group = self._supervisord.process_groups.get(name)
                if isinstance(group, FastCGIProcessGroup):
                    require_safe_door(address, variable)
                    config = InetStreamSocketConfig(address.host, address.port, backlog=BACKLOG)
                    group.socket_manager = SocketManager(config)
                    # supervisord's manager counts references and closes the socket with its last worker. The reference
                    # held here keeps the socket open while all workers are being replaced.
                    self._held.append(group.socket_manager.get_socket())
        except (OSError, EndpointError) as error:
            options.usage(str(error))  # prints the reason and ends supervisord, as for a mistake in its file

    def _release(self, _event: Any) -> None:
        """Let go of all sockets at the beginning of a shutdown, so that each closes with its last worker."""
        self._held.clear()


def make_interface(supervisord: Any, **_config: Any) -> ListeningSockets:
    """Factory that supervisord.conf names."""
    return ListeningSockets(supervisord)
