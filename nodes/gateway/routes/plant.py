"""The plant as the gateway hears it: status, health, events, alarms, nodes, and the audit log of commands."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from nodes.gateway import plant_answers
from nodes.gateway.access import ADMIN, PUBLIC
from nodes.gateway.answers import (
    AlarmsAnswer,
    AppliedAnswer,
    CommandsAnswer,
    EventsAnswer,
    HealthAnswer,
    NodesAnswer,
    StatusAnswer,
)
from nodes.gateway.context import Ask, Here, NoArguments
from nodes.gateway.openapi import METRICS
from nodes.gateway.problems import Problem, ProblemError

router = APIRouter(tags=["plant"])
first = APIRouter(tags=["first paths"])

Severity = Literal["info", "warning", "alarm", "fault"]


@router.get("/status")
@first.get("/status")
async def status(gateway: Here) -> StatusAnswer:
    """State of the plant; answered 200 even if parts of it are missing."""
    return plant_answers.status(gateway.plant, gateway.clients(), gateway.now())


@router.get("/health", openapi_extra=PUBLIC)
@first.get("/health", openapi_extra=PUBLIC)
async def health(gateway: Here) -> HealthAnswer:
    """Answered 200 if the clock and every module are heard, else 503 with what is missing and since when."""
    missing = gateway.plant.missing(gateway.now())
    if missing:
        found = plant_answers.missing_answers(missing, time.time())
        detail = "; ".join(f"{item.name}: {item.reason}" for item in missing)
        raise ProblemError(Problem.of(503, "missing", detail, missing=found))
    return HealthAnswer()


@router.get("/metrics", responses=METRICS, response_class=Response)
@first.get("/metrics", responses=METRICS, response_class=Response, include_in_schema=False)
async def get_metrics(gateway: Here) -> Response:
    """Counters, gauges and histograms of the plant and of all workers of the gateway, for Prometheus."""
    media_type, content = gateway.metrics()
    return Response(content, media_type=media_type)


@router.get("/events")
@first.get("/events")
async def events(
    gateway: Here,
    limit: Annotated[int, Query(ge=1, le=1000, description="most events to list")] = 200,
    after: Annotated[int, Query(ge=0, description="list only events after this tick")] = 0,
    run: Annotated[str | None, Query(max_length=64, description="list only events of this run")] = None,
    module: Annotated[str | None, Query(max_length=32, description="list only events of this module")] = None,
    severity: Annotated[list[Severity] | None, Query(description="list only events of these severities")] = None,
) -> EventsAnswer:
    """The newest matching events among the last 1000 that this gateway heard, oldest first."""
    return plant_answers.events(gateway.plant, limit, after, run, module, severity or ())


@router.get("/alarms")
async def alarms(gateway: Here) -> AlarmsAnswer:
    """The alarms of the present run that are active, or have gone without having been acknowledged."""
    return plant_answers.alarms(gateway.plant)


@router.post("/alarms/{alarm}/acknowledge")
async def acknowledge(
    ask: Ask,
    alarm: Annotated[
        str, Path(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$", description="id of the alarm", examples=["recorder.alarm"])
    ],
    _body: NoArguments | None = None,
) -> AppliedAnswer:
    """Acknowledge an alarm: one that is active stays in the list as acknowledged, one that has gone leaves the list."""
    # A repeated request finds its alarm gone, because the first one has acknowledged it. If the command is known by its
    # key, the request goes on and is answered as the first one was, instead of with 404.
    if (
        alarm not in {item.id for item in ask.gateway.plant.alarms()}
        and ask.gateway.plant.commands.find(ask.command_id) is None
    ):
        known = [item.id for item in ask.gateway.plant.alarms()]
        detail = f"there is no alarm {alarm!r} to acknowledge: the alarms are {', '.join(known) or 'none'}"
        raise ProblemError(Problem.of(404, "alarm", detail, known=known))
    return await ask.clock("acknowledge", {"alarm": alarm})


@router.get("/nodes")
async def nodes(gateway: Here) -> NodesAnswer:
    """Every process of the plant: health, ticks behind, restarts; and how late the clock sends its ticks."""
    return plant_answers.nodes(gateway.plant)


@router.get("/commands", openapi_extra=ADMIN)
async def commands(
    gateway: Here, limit: Annotated[int, Query(ge=1, le=1000, description="most commands to list")] = 200
) -> CommandsAnswer:
    """The audit log: who commanded what, when it acted, and with what result."""
    return plant_answers.commands(gateway.plant, limit)
