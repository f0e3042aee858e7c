"""`GET /health` and `/metrics` of the dashboard: whether it hears the plant, and what its sessions hold."""

import time
from typing import Any

from tornado.web import RequestHandler

from runtime import metrics
from ui.app import Sessions
from ui.feed import Feed
from ui.page_stream import PageStream


class _Told(RequestHandler):
    """What both handlers report on."""

    def initialize(self, feed: Feed, stream: PageStream, sessions: Sessions) -> None:
        """Take what Tornado gives to each request's handler."""
        self._feed = feed
        self._stream = stream
        self._sessions = sessions


class HealthHandler(_Told):
    """`GET /health`: one JSON document."""

    def get(self) -> None:
        """Answer 200 whatever is missing: the dashboard itself is alive, and says what it does not hear."""
        now = time.monotonic()
        # Numbers are copied under the lock, and the answer is written without it.
        with self._feed.lock:
            plant = self._feed.plant
            nodes = plant.nodes(now)
            metrics: dict[str, Any] = {
                "messages_per_second": plant.bus.rate(now),
                "messages_lost": plant.streams.lost,
                "messages_repaired": plant.streams.repaired,
                "bad_frames": plant.bad_frames,
                "pages": len(self._stream),
                "documents": len(self._sessions.documents),
            }
        complete = all(node["state"] == "live" for node in nodes)
        self.set_header("Cache-Control", "no-store")
        self.write({"status": "ok" if complete else "degraded", "nodes": nodes, "metrics": metrics})


class MetricsHandler(_Told):
    """`GET /metrics`: the same numbers, and the newest of the plant, for Prometheus."""

    def get(self) -> None:
        """Answer with the values of now."""
        now = time.monotonic()
        with self._feed.lock:
            plant = self._feed.plant
            nodes = {(str(node["node"]),): float(node["state"] == "live") for node in plant.nodes(now)}
            plain: tuple[str, ...] = ()
            families = [
                metrics.gauge("kpp_dashboard_node_heard", "1 while a node is heard", nodes, "node"),
                metrics.gauge("kpp_dashboard_pages", "pages that are open", {plain: float(len(self._stream))}),
                metrics.gauge("kpp_dashboard_documents", "sessions", {plain: float(len(self._sessions.documents))}),
                metrics.counter("kpp_dashboard_messages_lost", "lost messages", {plain: float(plant.streams.lost)}),
                metrics.counter(
                    "kpp_dashboard_messages_repaired",
                    "messages lost on the way and sent again on request",
                    {plain: float(plant.streams.repaired)},
                ),
                metrics.counter("kpp_dashboard_bad_frames", "malformed frames", {plain: float(plant.bad_frames)}),
                metrics.queues({"kept_back": plant.streams.depth}),
                *metrics.of_plant(plant),
                *self._feed.latency.collect(),
            ]
        self.set_header("Content-Type", metrics.MEDIA_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.write(metrics.render(families))
