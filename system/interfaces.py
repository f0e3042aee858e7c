"""Why an address cannot be bound, in words that name what to do. Web doors and bus sockets say it alike."""

import errno
import socket

import psutil


def own_addresses() -> list[str]:
    """Addresses of this host's network interfaces, IPv4 first."""
    found = psutil.net_if_addrs().values()
    families = (socket.AF_INET, socket.AF_INET6)
    return [each.address for family in families for addresses in found for each in addresses if each.family == family]


def failure(host: str, port: int, error: OSError) -> str:
    """What keeps a program of this host from listening at an address.

    Args:
        host: name or address.
        port: number.
        error: what the attempt gave.
    """
    # The numbers come from three sources that do not agree: the resolver, the kernel, and ZeroMQ.
    if isinstance(error, socket.gaierror) or error.errno == errno.ENODEV:  # the latter is ZeroMQ's
        return f"{host!r} is no name that this host can look up"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this host, which has {', '.join(own_addresses())}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by {holder(port) or 'another program'}"
    if error.errno == errno.EACCES:
        return f"port {port} is for privileged users alone"
    return error.strerror or str(error)


def holder(port: int) -> str:
    """Who listens on a port of this host, empty when that cannot be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    except psutil.Error:  # it has ended meanwhile, or belongs to another user: then the port is named, and no program
        return ""
    return ""
