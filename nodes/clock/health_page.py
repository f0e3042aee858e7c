"""The clock's health page, for people, supervisors and load balancers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.metrics_core import Metric
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bus.protocol.messages import Status
from bus.security.access_middleware import MEDIA_TYPE, AccessMiddleware, problem
from bus.security.admission import Admission
from bus.security.hosts import Names, Refusal
from bus.security.room import Room
from bus.security.tokens import Role
from nodes.clock.timing import Timing
from runtime import metrics
from runtime.http import HeadAsGet

PUBLIC = frozenset({"/", "/health"})
"""Paths that need no token."""

REQUESTS = 32
"""Most requests to the page that are under way at a time."""


def health_document(
    status: Status, silent: list[str], clients: int, round_trip: float | None, holds: int
) -> dict[str, Any]:
    """The health page as plain values.

    Args:
        status: where the run is now.
        silent: required modules that nobody hears of.
        clients: peers connected to the publisher.
        round_trip: mean seconds from tick to acknowledgement, None when no module answered lately.
        holds: how often a module fell so far behind that simulated time waited.
    """
    # None if no tick had a deadline: flat out, or in the first interval.
    late = status.lateness
    return {
        # To be paused or stopped is no fault: only what keeps the plant from doing as it was told is one.
        "status": "degraded" if silent or status.problems else "ok",
        "running": status.mode == "running",
        "missing": silent,
        "problems": status.problems,
        "mode": status.mode,
        "run": status.run,
        "epoch": status.epoch,
        "tick": status.seq,
        "simulated_time": status.t,
        "speed": status.speed,
        "flat_out": status.flat_out,
        "policy": status.policy,
        "achieved_speed": status.achieved_speed,
        "tick_rate": status.rate,
        "scenario": status.scenario,
        "realtime_priority": status.realtime_priority,
        "metrics": {
            "frames_sent": status.frames_sent,
            "clients_connected": clients,
            "average_latency": round_trip,
            "frame_drops": status.deadlines_missed,
            "sync_errors": holds,
            "bad_frames": status.bad_frames,
            "held": status.held,
            "held_time": status.held_time,
            "owed_time": status.owed_time,
            "lateness_p50": late.p50 if late else None,
            "lateness_p99": late.p99 if late else None,
            "lateness_max": late.max if late else None,
        },
        "units": {
            "average_latency": "s, tick sent to tick acknowledged by a module, mean of the last interval",
            "frame_drops": "ticks left out because their deadline had passed",
            "sync_errors": "times that simulated time had to wait for a module",
            "held_time": "s",
            "owed_time": "s, simulated time that policy catch_up has still to make up for",
            "lateness": "s, tick sent after its deadline, last interval",
        },
        "peers": [
            {"node": peer.node, "instance": peer.instance, "pid": peer.pid, "health": peer.health,
             "status": peer.status, "tick": peer.seq, "gaps": peer.gaps, "age": peer.age}
            for peer in status.peers
        ],
    }  # fmt: skip


def distributions(timing: Timing) -> list[Metric]:
    """Lateness and round trips of all ticks since the start, for Prometheus."""
    late, around = timing.all_late, timing.all_round_trips
    return [
        metrics.distribution(
            "kpp_tick_lateness_seconds", "ticks sent after their deadline", late.edges, late.counts, late.sum
        ),
        metrics.distribution(
            "kpp_tick_acknowledged_seconds",
            "from sending a tick to its acknowledgement by a module",
            around.edges,
            around.counts,
            around.sum,
        ),
    ]


def health_app(
    document: Callable[[], dict[str, Any]],
    status: Callable[[], Status],
    figures: Callable[[], Iterable[Metric]],
    host: str,
    admission: Admission,
) -> ASGIApp:
    """The HTTP application: the health page for everybody, the metrics for callers who may read.

    Args:
        document: makes the health page; called once per request.
        status: the clock's report, for Prometheus.
        figures: what Prometheus gets in addition to the clock's report.
        host: name to which the server is bound; requests for other hosts are refused.
        admission: who is admitted.
    """

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse(document())

    async def prometheus(_request: Request) -> Response:
        return Response(metrics.render([*metrics.of_status(status()), *figures()]), media_type=metrics.MEDIA_TYPE)

    routes = [Route("/health", health), Route("/", health), Route("/metrics", prometheus)]
    # Access is checked outside the routes: a stranger gets no further than a refusal, on an unknown path as well.
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http, 500: _defect})
    names = Names.from_environment(host)
    return HeadAsGet(AccessMiddleware(app, names, admission, _role, _methods, Room(REQUESTS)))


def _role(_method: str, path: str) -> Role:
    return Role.PUBLIC if path in PUBLIC else Role.VIEWER


def _methods(path: str) -> tuple[str, ...]:
    # An unknown path has no methods, so it is answered as unknown and not as forbidden.
    return ("GET", "HEAD", "OPTIONS") if path in {*PUBLIC, "/metrics"} else ()


def _http(_request: Request, error: Exception) -> Response:
    # Anything else is a defect, which has a handler of its own and a traceback in the log.
    if not isinstance(error, HTTPException):
        raise error
    return _problem(Refusal(error.status_code, "http", str(error.detail)), error.headers)


def _defect(_request: Request, _error: Exception) -> Response:
    return _problem(Refusal(500, "defect", "the clock's page has a defect; its log has the details"))


def _problem(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    return Response(problem(refusal), refusal.status, dict(headers or {}), MEDIA_TYPE)
