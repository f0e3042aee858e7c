"""From which address a request comes when proxies stand in front of the door. Pure.

A proxy names its client in X-Forwarded-For, but anybody can write that header. It is believed as far as the machines
that wrote it are named in KPP_TRUSTED_PROXIES, and not at all from others.
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bus.security.keys import SecurityError
from system.environment_variables import setting

VARIABLE = "KPP_TRUSTED_PROXIES"
"""Environment variable with addresses or networks of proxies, separated by commas: `10.0.0.2,192.168.7.0/24`."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Proxies:
    """The proxies that are believed, as networks; one address is a network of its own."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Proxies":
        """The proxies of KPP_TRUSTED_PROXIES; none if it is unset or empty.

        Raises:
            SecurityError: naming what is neither an address nor a network.
        """
        found = []
        for name in filter(None, (part.strip() for part in setting(VARIABLE, "", environ).split(","))):
            # Not strict: a network may be written with any address in it, as a person reads it off a machine.
            try:
                found.append(ipaddress.ip_network(name, strict=False))
            except ValueError as error:
                text = f"{VARIABLE}: {name!r} is neither an address nor a network: write 10.0.0.2 or 192.168.7.0/24"
                raise SecurityError(text) from error
        return cls(tuple(found))

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address of the client that asks.

        Args:
            peer: the other end of the connection.
            forwarded: values of X-Forwarded-For, in order.

        Returns:
            The last address on the way that is not a trusted proxy's; the peer if that is not a trusted proxy.
        """
        # Each proxy appends the address from which it was asked. So the list is read from its end, and only as long as
        # a trusted proxy has written the entry: what is before it may be made up.
        nearest = peer
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        while hops and self._trusts(nearest):
            found = _address(hops.pop())
            if found is None:  # "unknown", or not an address: the proxy that wrote it is the last that is known
                break
            nearest = str(found)
        return nearest

    def _trusts(self, name: str) -> bool:
        address = _address(name)
        return address is not None and any(address in network for network in self.networks)


def _address(name: str) -> Address | None:
    """An address as proxies write it: bare, with a port, or in brackets; None if the text is not an address."""
    host = name
    if name.startswith("["):
        host = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        host = name.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    # A socket for both kinds of address shows IPv4 inside IPv6 (::ffff:10.0.0.2), and settings have plain IPv4.
    return getattr(found, "ipv4_mapped", None) or found
