"""Which addresses may be bound: loopback always, others only when somebody checks who comes."""

import os
import re
from collections.abc import Mapping

from bus.protocol.endpoints import HttpAddress
from bus.security import keys
from bus.security.hosts import is_loopback
from bus.security.keys import SecurityError


def require_safe_door(address: HttpAddress, variable: str, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to open a web door to other machines without tokens.

    Raises:
        SecurityError: naming the variable and the remedy.
    """
    if is_loopback(address.host) or keys.tokens(keys.folder(environ)) is not None:
        return
    raise SecurityError(
        f"{variable} {address.host}:{address.port} is reached from other machines, and there are no tokens: "
        "run `kpp keys init`, or bind 127.0.0.1"
    )


def require_safe_socket(address: str, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to bind the bus for other machines without keys. Raises SecurityError."""
    match = re.fullmatch(r"tcp://(.+):[^:]+", address)
    if match is None or is_loopback(match[1]) or keys.curve(keys.folder(environ)) is not None:
        return
    raise SecurityError(
        f"{address} is reached from other machines, and the bus has no keys: run `kpp keys init`, or bind 127.0.0.1"
    )
