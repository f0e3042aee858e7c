"""From tick to state: clock and physics, kernel included, against a relay in C on bare libzmq."""

import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import zmq

from benchmarks.nodes import free_port, running
from benchmarks.table import Row, median, note, percentile
from bus.protocol.codec import decode_published
from bus.protocol.messages import State, Tick
from bus.transport.sockets import Subscriber

SECONDS = 3.0
ROUNDS = 3
RATES = (100, 1000)


def measure() -> list[Row]:
    """Ours and the floor in turn, received by the same kind of subscriber, at the default and the highest rate."""
    return [row for rate in RATES for row in _measure(rate)]


def _measure(rate: int) -> list[Row]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return [Row("tick to state p50", "not measured: the floor needs a C compiler", "<= 2.5x", False)]
    note(f"tick to state at {rate} Hz: {ROUNDS} x 2 x {SECONDS:.0f} s")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "relay_floor"
        library = next((Path(zmq.__file__).parent.parent / "pyzmq.libs").glob("libzmq*"))
        source = Path(__file__).with_name("relay.c")
        subprocess.run(
            [compiler, "-O2", "-o", str(program), str(source), str(library), f"-Wl,-rpath,{library.parent}"], check=True
        )
        ours: list[float] = []
        floor: list[float] = []
        with running(rate=rate) as endpoints:
            ticks, states = endpoints.clock_publish, endpoints.modules[0].publish
            tick_bytes, state_bytes = _sizes(ticks, states)
            for _ in range(ROUNDS):
                ours += _ours(ticks, states)
                floor += _floor(program, rate, tick_bytes, state_bytes)
    ratio = median(ours) / median(floor)
    figure = (
        f"{median(ours):.0f} us against {median(floor):.0f} us = {ratio:.2f}x"
        f" (p99 {percentile(ours, 0.99):.0f} against {percentile(floor, 0.99):.0f} us)"
    )
    return [
        Row(
            f"tick to state p50 at {rate} Hz, {state_bytes} bytes, kernel included",
            figure,
            "<= 2.5x bare libzmq",
            ratio <= 2.5,
        )
    ]


def _sizes(ticks: str, states: str) -> tuple[int, int]:
    with Subscriber([ticks, states], ["tick", "state/"]) as subscriber:
        sizes: dict[bytes, int] = {}
        while len(sizes) < 2:
            frames = subscriber.receive(1.0)
            if frames is not None:
                sizes[frames[0]] = len(frames[1])
    return sizes[b"tick"], sizes[b"state/m1/"]


def _ours(ticks: str, states: str) -> list[float]:
    sent: dict[int, int] = {}
    taken: list[float] = []
    with Subscriber([ticks, states], ["tick", "state/"]) as subscriber:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            frames = subscriber.receive(1.0)
            now = time.monotonic_ns()
            if frames is None:
                continue
            message = decode_published(*frames)
            if isinstance(message, Tick):
                sent[message.seq] = message.mono_ns
            elif isinstance(message, State) and message.seq in sent:
                taken.append((now - sent[message.seq]) / 1e3)
    return taken


def _floor(program: Path, rate: int, tick_bytes: int, state_bytes: int) -> list[float]:
    first, second = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
    processes = [
        subprocess.Popen([str(program), "send", first, str(rate), str(tick_bytes)]),
        subprocess.Popen([str(program), "relay", first, second, str(state_bytes)]),
    ]
    taken: list[float] = []
    try:
        # As in our own measurement the subscriber hears the ticks as well.
        with Subscriber([first, second], ["tick", "state/"]) as subscriber:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                frames = subscriber.receive(1.0)
                now = time.monotonic_ns()
                if frames is not None and frames[0] != b"tick":
                    taken.append((now - struct.unpack_from("<q", frames[1])[0]) / 1e3)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return taken
