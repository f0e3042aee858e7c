"""Why an address cannot be bound, in words for people; the same for web doors and for sockets of the bus."""

import errno
import socket

import psutil


def own_addresses() -> list[str]:
    """Addresses of this host's network interfaces, IPv4 first."""
    found = psutil.net_if_addrs().values()
    families = (socket.AF_INET, socket.AF_INET6)
    return [each.address for family in families for addresses in found for each in addresses if each.family == family]


def failure(host: str, port: int, error: OSError) -> str:
    """What keeps a program of this host from listening at an address: a clause without a full stop.

    Args:
        host: name or IP address.
        port: TCP port.
        error: what the attempt raised.
    """
    # Error numbers come from three sources that do not agree: the resolver, the kernel, and ZeroMQ. For a name that
    # cannot be looked up the resolver has an exception of its own, and ZeroMQ reports ENODEV.
    if isinstance(error, socket.gaierror) or error.errno == errno.ENODEV:
        return f"{host!r} is not a name that this host can look up"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this host, which has {', '.join(own_addresses())}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by {holder(port) or 'another program'}"
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for privileged users"
    return error.strerror or str(error)


def holder(port: int) -> str:
    """The program that listens on a port of this host, with its process id; empty if that cannot be seen."""
    # Processes of other users are listed without a pid, or not at all: the port can then be named, but no program.
    try:
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    except psutil.Error:  # it has ended meanwhile, or the system does not allow the look
        return ""
    return ""
