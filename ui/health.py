"""`GET /health` of the dashboard: whether it hears the plant, and what its sessions hold."""

import time
from typing import Any

from tornado.web import RequestHandler

from ui.app import Sessions
from ui.feed import Feed
from ui.stream import Stream


class HealthHandler(RequestHandler):
    """One JSON document."""

    def initialize(self, feed: Feed, stream: Stream, sessions: Sessions) -> None:
        """Tornado's constructor arguments."""
        self._feed = feed
        self._stream = stream
        self._sessions = sessions

    def get(self) -> None:
        """Answer with true values."""
        now = time.monotonic()
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
