"""How late ticks leave, while the health page is asked a hundred times a second."""

import http.client
import multiprocessing
import time

import zmq

from benchmarks.nodes import free_port, running
from benchmarks.table import Row, median, note, percentile
from bus.protocol.endpoints import HttpAddress
from bus.protocol.messages import Status, Tick
from bus.transport.listener import Listener

SECONDS = 8.0


def bare_loop(rate: int, seconds: float, results: "multiprocessing.Queue[list[float]]") -> None:
    """The floor: sleep to absolute deadlines and send as many bytes, nothing else."""
    socket = zmq.Context().socket(zmq.PUB)
    socket.bind(f"tcp://127.0.0.1:{free_port()}")
    late: list[float] = []
    origin = time.monotonic_ns()
    for k in range(1, int(seconds * rate)):
        deadline = origin + k * 1_000_000_000 // rate
        left = deadline - time.monotonic_ns()
        if left > 0:
            time.sleep(left / 1e9)
        late.append((time.monotonic_ns() - deadline) / 1e3)
        socket.send_multipart([b"tick", bytes(300)])
    results.put(late)


def hammer(address: HttpAddress, per_second: float, seconds: float) -> None:
    """Ask the health page at a steady rate."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    start = time.monotonic()
    for k in range(int(per_second * seconds)):
        connection.request("GET", "/health")
        connection.getresponse().read()
        time.sleep(max(0.0, start + (k + 1) / per_second - time.monotonic()))


def measure(rate: int = 100) -> list[Row]:
    """Ours and the floor at once, in separate processes."""
    note(f"lateness at {rate} Hz: {SECONDS:.0f} s")
    results: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    with running(rate=rate) as endpoints:
        asker = multiprocessing.Process(target=hammer, args=(endpoints.clock_http, 100.0, SECONDS))
        floor = multiprocessing.Process(target=bare_loop, args=(rate, SECONDS, results))
        listener = Listener(endpoints, ("tick", "status"))
        asker.start()
        floor.start()
        p50s: list[float] = []
        arrived: list[float] = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            message = listener.receive(1.0)
            if isinstance(message, Status) and message.lateness is not None:
                p50s.append(message.lateness.p50 * 1e6)
            if isinstance(message, Tick):
                arrived.append((time.monotonic_ns() - message.mono_ns) / 1e3)
        bare = results.get(timeout=30)
        asker.join()
        floor.join()
        listener.close()
    ours, theirs = median(p50s), median(bare)
    figure = f"{ours:.1f} us against {theirs:.1f} us = {ours / theirs:.2f}x, health page at 100/s"
    seen = f"p50 {median(arrived):.0f} us, p99 {percentile(arrived, 0.99):.0f} us (send and receive included)"
    return [
        Row(f"tick lateness p50 at {rate} Hz", figure, "<= 2x a bare loop", ours <= 2 * theirs),
        Row(f"tick after its deadline at a subscriber, {rate} Hz", seen, "shown only", True),
    ]
