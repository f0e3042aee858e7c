"""Which addresses may be bound: loopback always, others only if callers are checked."""

import os
import re
from collections.abc import Mapping

from bus.protocol.endpoints import HttpAddress
from bus.security import keys
from bus.security.hosts import is_loopback
from bus.security.keys import SecurityError


def require_safe_door(address: HttpAddress, variable: str, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to open a web door to other machines without tokens.

    Args:
        address: that the door is to bind.
        variable: environment variable that sets the address, for the message.
        environ: says where the tokens are.

    Raises:
        SecurityError: naming the variable and the remedy.
    """
    # Tokens that are damaged raise an error of their own: a door must not open because its tokens cannot be read.
    if is_loopback(address.host) or keys.tokens(keys.folder(environ)) is not None:
        return
    raise SecurityError(
        f"{variable} {address.host}:{address.port} can be reached from other machines, and there are no tokens: "
        "run `kpp keys init`, or bind 127.0.0.1"
    )


def require_safe_socket(address: str, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to bind a socket of the bus to other machines without keys.

    Args:
        address: `tcp://host:port`; sockets of another transport never leave the machine.
        environ: says where the keys are.

    Raises:
        SecurityError: naming the address and the remedy.
    """
    match = re.fullmatch(r"tcp://(.+):[^:]+", address)
    if match is None or is_loopback(match[1]) or keys.curve(keys.folder(environ)) is not None:
        return
    raise SecurityError(
        f"{address} can be reached from other machines, and the bus has no keys: run `kpp keys init`, or bind 127.0.0.1"
    )
