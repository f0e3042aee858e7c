"""One question to a producer's request socket and its answer, over asyncio."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bus.protocol import codec
from bus.transport.client import NotAnsweredError
from bus.transport.sockets import AsyncDealer


async def ask(addresses: Sequence[str], request: Any, decode: Callable[[bytes], Any], timeout: float, whom: str) -> Any:
    """The reply of the first address that gives one.

    Raises:
        NotAnsweredError: if none answers in `timeout` seconds all together.
        FrameError: if the reply cannot be read.
    """
    payload = codec.encode(request)
    for address in addresses:
        with AsyncDealer(address) as dealer:
            try:
                async with asyncio.timeout(timeout / len(addresses)):
                    await dealer.send(payload)
                    return decode(await dealer.receive())
            except TimeoutError:
                continue
    raise NotAnsweredError(f"{whom} at {' and '.join(addresses)} did not answer in {timeout:g} s: is it running?")
