"""What supervisord does for the plant, as its own plug-in: check ports, restart quickly, say where things are."""

import os
import socket
from typing import Any

import psutil
from supervisor import events

from bus.endpoints import EndpointError, Endpoints

RESTART_POLL = 0.05
"""Longest sleep of supervisord's main loop, in seconds; by default a dead process is noticed after up to 1 s."""


def addresses_bound(endpoints: Endpoints) -> list[tuple[str, str, int, str]]:
    """Every TCP address the plant binds, as (what for, host, port, environment variable that moves it)."""

    def tcp(what: str, address: str, variable: str) -> tuple[str, str, int, str]:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        return what, host.strip("[]"), int(port), variable

    web = [
        ("the clock's health page", endpoints.clock_http, "KPP_CLOCK_HTTP"),
        ("the REST interface", endpoints.gateway_http, "KPP_GATEWAY_HTTP"),
        ("the WebSocket", endpoints.gateway_websocket, "KPP_GATEWAY_WEBSOCKET"),
        ("the dashboard", endpoints.ui_http, "KPP_UI_HTTP"),
    ]
    return [
        *((what, address.host, address.port, variable) for what, address, variable in web),
        tcp("the clock's ticks", endpoints.clock_publish, "KPP_CLOCK_PUBLISH"),
        tcp("the clock's control socket", endpoints.clock_control, "KPP_CLOCK_CONTROL"),
        tcp("the recorder", endpoints.recorder, "KPP_RECORDER"),
        *(tcp(f"states of {module.module}", module.publish, "KPP_PHYSICS_PUBLISH") for module in endpoints.modules),
        *(
            tcp(f"snapshots of {module.module}", module.snapshot, "KPP_PHYSICS_SNAPSHOT")
            for module in endpoints.modules
        ),
    ]


def taken_ports(endpoints: Endpoints) -> list[str]:
    """One line for each address that another program holds, with its name and the remedy."""
    lines = []
    for what, host, port, variable in addresses_bound(endpoints):
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            holder = _holder(port) or error.strerror
            lines.append(f"port {port} for {what} is taken: {holder}. Stop it, or set {variable} to another address.")
    return lines


def _holder(port: int) -> str:
    """Who listens on a port, empty when that cannot be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    except psutil.Error:
        return ""
    return ""


class PlantInterface:
    """Hooks into a running supervisord; offers no remote calls of its own."""

    def __init__(self, supervisord: Any) -> None:
        self._options = supervisord.options
        poll = self._options.poller.poll
        self._options.poller.poll = lambda timeout: poll(min(timeout, RESTART_POLL))
        events.subscribe(events.SupervisorRunningEvent, self._check_ports)
        events.subscribe(events.ProcessLogStdoutEvent, self._print)

    def _check_ports(self, _event: Any) -> None:
        """Refuse to start beside another program, before the first node is started."""
        try:
            problems = taken_ports(Endpoints.from_environment(os.environ))
        except EndpointError as error:
            problems = [str(error)]
        if problems:
            self._options.usage("\n       ".join(problems))

    def _print(self, event: Any) -> None:
        data = event.data
        self._options.stdout.write(data if isinstance(data, str) else data.decode(errors="replace"))
        self._options.stdout.flush()


def make_interface(supervisord: Any, **_config: Any) -> PlantInterface:
    """Factory that supervisord.conf names."""
    return PlantInterface(supervisord)
