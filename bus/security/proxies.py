"""Whose address a request comes from when proxies stand before the door.

A proxy names its client in X-Forwarded-For, but so can anybody. The header is believed as far as the machines that
wrote it are named in KPP_TRUSTED_PROXIES, and not at all from others.
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
    """The proxies that are believed."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Proxies":
        """Those of KPP_TRUSTED_PROXIES; none if it is unset or empty.

        Raises:
            SecurityError: naming what is neither an address nor a network.
        """
        found = []
        for name in filter(None, (part.strip() for part in setting(VARIABLE, "", environ).split(","))):
            try:
                found.append(ipaddress.ip_network(name, strict=False))
            except ValueError as error:
                text = f"{VARIABLE}: {name!r} is neither an address nor a network: write 10.0.0.2 or 192.168.7.0/24"
                raise SecurityError(text) from error
        return cls(tuple(found))

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address of who asks.

        Args:
            peer: the other end of the connection.
            forwarded: values of X-Forwarded-For, in order.

        Returns:
            The last address on the way that no trusted proxy has; the peer if it is no trusted proxy itself.
        """
        nearest = peer
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        while hops and self._trusts(nearest):
            found = _address(hops.pop())
            if found is None:  # "unknown", or made up: whoever wrote it is the last that is known
                break
            nearest = str(found)
        return nearest

    def _trusts(self, name: str) -> bool:
        address = _address(name)
        return address is not None and any(address in network for network in self.networks)


def _address(name: str) -> Address | None:
    """An address as proxies write it: bare, with a port, or in brackets; None if it is none."""
    host = name
    if name.startswith("["):
        host = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        host = name.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    # A socket that takes both kinds shows the old one inside the new one.
    return getattr(found, "ipv4_mapped", None) or found
