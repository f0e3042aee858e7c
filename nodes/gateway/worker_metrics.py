"""Metrics of the gateway's own work, summed over all workers through files that they share.

prometheus_client decides where those files are when it is imported, so this module may be imported only once the folder
is in the environment (see `__main__`). Each worker writes files of its own; the one that serves the page adds up all.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import psutil
from prometheus_client import Counter, Gauge, Histogram, multiprocess
from prometheus_client.metrics_core import Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nodes.gateway.core import GatewayPlant
from runtime import metrics

REQUESTS = Histogram(
    "kpp_rest_request_seconds", "time to answer a REST request", ("method", "status"), buckets=metrics.WAYS
)
LATENCY = Histogram(*metrics.LATENCY, buckets=metrics.WAYS)
LOOP = Histogram("kpp_gateway_loop_lateness_seconds", "how late a worker's event loop runs", buckets=metrics.WAYS)
QUEUES = Gauge(*metrics.QUEUES, multiprocess_mode="livesum")
SENT = Counter("kpp_websocket_frames_sent", "state frames sent to WebSocket clients")
DISMISSED = Counter("kpp_websocket_clients_dismissed", "clients disconnected because they read nothing")
REPAIRED = Counter("kpp_gateway_messages_repaired", "messages lost on the way and sent again on request")
LOST = Counter("kpp_gateway_messages_lost", "messages lost for good")
BAD = Counter("kpp_gateway_bad_frames", "malformed frames from the bus")
CLIENTS = Gauge("kpp_websocket_clients", "WebSocket clients", multiprocess_mode="livesum")
STREAMS = Gauge("kpp_event_streams", "server-sent event streams", multiprocess_mode="livesum")
BUFFERED = Gauge("kpp_websocket_buffered_bytes", "bytes that clients have not read", multiprocess_mode="livesum")
WORKERS = Gauge("kpp_gateway_workers", "workers of the gateway", multiprocess_mode="livesum")

UNMEASURED = "/v1/stream"
"""Path whose answer lasts until the client leaves: as the time of a request it would mean nothing."""


class Deltas:
    """Turns totals of this worker into increments of the shared counters."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def add(self, shared: Counter, name: str, total: int) -> None:
        """Bring a shared counter up to this worker's total."""
        shared.inc(max(0, total - self._before.get(name, 0)))
        self._before[name] = total


def begin() -> None:
    """Count this worker, and no longer count workers that have died.

    Folders that were left by processes which are gone are removed.
    """
    path = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    for other in Path(path).parent.iterdir():
        if other.name.isdigit() and not psutil.pid_exists(int(other.name)):
            shutil.rmtree(other, ignore_errors=True)
    # A killed worker cannot say that it is gone, and its clients would be in the sum for ever. Its counters stay: what
    # it has done does not become undone.
    for file in Path(path).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            multiprocess.mark_process_dead(pid, path)  # type: ignore[no-untyped-call]  # of the library
    WORKERS.set(1)


def page(plant: GatewayPlant) -> tuple[str, bytes]:
    """Media type and text for Prometheus: what all workers counted, and the plant as this one hears it."""
    return metrics.MEDIA_TYPE, metrics.render([*_counted(), *metrics.of_plant(plant)])


def _counted() -> list[Metric]:
    collector = multiprocess.MultiProcessCollector(None)  # type: ignore[no-untyped-call]  # of the library
    found: list[Metric] = list(collector.collect())  # type: ignore[no-untyped-call]  # of the library
    return found


class Measured:
    """ASGI middleware that measures how long answers take."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http" or scope["path"] == UNMEASURED:
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        status = "500"

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            # Clients may send any word as a method, and each would become a label that is kept for ever.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, status).observe(perf_counter() - begun)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Observe = Callable[[str, float], None]


def latency(topic: str, seconds: float) -> None:
    """Observe the seconds from the sending of a message to its arrival, by topic."""
    # The sender may be on another machine, whose clock is ahead of this one: a negative time means nothing.
    LATENCY.labels(topic).observe(max(0.0, seconds))
