"""Print the live power of a plant. Needs pyzmq and msgpack, and nothing of the simulator.

python examples/subscribe.py
python examples/subscribe.py --endpoint tcp://127.0.0.1:9210 --module m1 --every 100 --count 1000
python examples/subscribe.py --endpoint tcp://10.0.0.1:9210 --key panel.json
"""

import argparse
import contextlib
import json
import time
from typing import Any

import msgpack
import zmq

SILENCE_MS = 2000


def describe(state: dict[str, Any]) -> str:
    """One line about a state frame; powers come in W and are shown in kW."""
    grid = state["grid"]
    compressor = state["compressor"]["power"] / 1000
    return (
        f"t {state['t']:.3f} s | tick {state['seq']} | export {grid['export_power'] / 1000:.3f} kW"
        f" | import {grid['import_power'] / 1000:.3f} kW (compressor {compressor:.3f} kW)"
        f" | net {grid['net_power'] / 1000:.3f} kW | chain {state['chain']['speed']:.3f} m/s"
    )


def tick(state: dict[str, Any]) -> int:
    """The number by which a gap is noticed; TypeError if it is not a whole number."""
    seq = state["seq"]
    if type(seq) is not int:
        raise TypeError(f"{seq!r} is no tick")
    return seq


class Reader:
    """Reads state frames, counts what was missed and what could not be read."""

    def __init__(self, topic: bytes) -> None:
        self.frames = self.missed = self.unreadable = 0
        self._topic = topic
        self._run: str | None = None
        self._seq = 0

    def read(self, parts: list[bytes]) -> str | None:
        """The line to print for a frame, None for one of another topic or one that cannot be read."""
        try:
            topic, payload = parts
            if topic != self._topic:
                return None
            state: dict[str, Any] = msgpack.unpackb(payload)
            run, seq = state["run"], tick(state)
            line = describe(state)
        except (ValueError, KeyError, TypeError):  # bytes from a network: anything may come
            self.unreadable += 1
            return None
        self.frames += 1
        if run == self._run and seq > self._seq + 1:
            self.missed += seq - self._seq - 1
            print(f"missed {seq - self._seq - 1} frames: ticks {self._seq + 1} to {seq - 1}", flush=True)
        self._run, self._seq = run, seq
        return line


def keyed(socket: "zmq.Socket[bytes]", path: str) -> "zmq.Socket[bytes]":
    """Give a socket the keys of a file that `kpp keys client` has made; without a path it has none."""
    if path:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # an example to be read: open() is what everybody knows
            keys = json.load(file)
        socket.curve_publickey, socket.curve_secretkey = keys["public"].encode(), keys["secret"].encode()
        socket.curve_serverkey = keys["server"].encode()
    return socket


def main() -> None:
    """Subscribe and print until interrupted, or until enough frames have come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="tcp://127.0.0.1:9210", help="publisher of the plant module")
    parser.add_argument("--module", default="m1", help="name of the plant module")
    parser.add_argument("--every", type=int, default=0, help="print every N frames; default: once a second")
    parser.add_argument("--count", type=int, default=0, help="stop after N frames; default: never")
    parser.add_argument("--key", default="", help="file of `kpp keys client`, for a plant that has keys")
    args = parser.parse_args()

    topic = f"state/{args.module}/".encode()
    socket = keyed(zmq.Context.instance().socket(zmq.SUB), args.key)
    socket.setsockopt(zmq.RECONNECT_IVL, 10)  # connected again at once after a restart of the plant
    socket.connect(args.endpoint)
    socket.subscribe(topic)

    reader = Reader(topic)
    next_line = 0.0
    while not args.count or reader.frames < args.count:
        if not socket.poll(SILENCE_MS):
            print(f"no frames from {args.endpoint}: is the plant running?", flush=True)
            continue
        line = reader.read(socket.recv_multipart())
        if line is None:
            continue
        due = reader.frames % args.every == 0 if args.every else time.monotonic() >= next_line
        if due:
            next_line = time.monotonic() + 1.0
            print(line, flush=True)
    print(f"{reader.frames} frames, {reader.missed} missed, {reader.unreadable} unreadable", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
