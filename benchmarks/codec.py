"""Cost of a state frame on the wire, both ways."""

import struct
import timeit

import numpy as np

from benchmarks.nodes import running
from benchmarks.table import Row
from bus.protocol.codec import decode_published, encode_published
from bus.protocol.messages import State
from bus.transport.listener import Listener


def measure() -> list[Row]:
    """Encode and decode a real state frame, against packing the same numbers as one block."""
    with running() as endpoints:
        listener = Listener(endpoints, ("state/",))
        state = listener.receive(10.0)
        listener.close()
    if not isinstance(state, State):
        raise TimeoutError("no state frame")
    _topic, payload = encode_published(state)
    numbers = np.arange(430.0)

    def floor() -> None:
        block = struct.pack("<qd", state.seq, state.t) + numbers.tobytes()
        struct.unpack_from("<qd", block)
        np.frombuffer(block, offset=16)

    both = _best(lambda: decode_published(*encode_published(state)))
    bare = _best(floor)
    figure = f"{both:.1f} us for {len(payload)} bytes ({both / bare:.0f}x one raw block of 430 floats)"
    return [Row("codec, state frame both ways", figure, "<= 40 us", both <= 40)]


def _best(call: object) -> float:
    return min(timeit.repeat(call, number=300, repeat=30)) / 300 * 1e6  # type: ignore[arg-type]  # any callable
