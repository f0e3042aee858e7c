"""What supervisord does for the gateway, as its own plug-in: hold the listening sockets that its workers share.

An `fcgi-program` binds the one address that supervisord.conf states. The plant's addresses come from the environment,
so the file names a unix socket and this plug-in puts the right one in its place before the first worker starts. It
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
"""Connections that may wait to be accepted."""


def shared(endpoints: Endpoints) -> dict[str, tuple[HttpAddress, str]]:
    """Programs whose workers share a socket: its address and the variable that moves it."""
    return {
        "gateway": (endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        "stream": (endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
    }


class ListeningSockets:
    """Hooks into a running supervisord; offers no remote calls of its own."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._held: list[Any] = []
        events.subscribe(events.SupervisorRunningEvent, self._bind)
        events.subscribe(events.SupervisorStoppingEvent, self._release)

    def _bind(self, _event: Any) -> None:
        # At this event supervisord has read its file and has not started anything: the first worker already finds the
        # right socket.
        options = self._supervisord.options
        try:
            for name, (address, variable) in shared(Endpoints.from_environment(os.environ)).items():
                group = self._supervisord.process_groups.get(name)
                if isinstance(group, FastCGIProcessGroup):
                    require_safe_door(address, variable)
                    config = InetStreamSocketConfig(address.host, address.port, backlog=BACKLOG)
                    group.socket_manager = SocketManager(config)
                    # supervisord's manager counts references and closes the socket with its last worker. This one of
                    # ours keeps it open while all of them are being replaced.
                    self._held.append(group.socket_manager.get_socket())
        except (OSError, EndpointError) as error:
            options.usage(str(error))  # prints the reason and ends supervisord, as for a mistake in its file

    def _release(self, _event: Any) -> None:
        """Let go, so that each socket closes with its last worker."""
        self._held.clear()


def make_interface(supervisord: Any, **_config: Any) -> ListeningSockets:
    """Factory that supervisord.conf names."""
    return ListeningSockets(supervisord)
