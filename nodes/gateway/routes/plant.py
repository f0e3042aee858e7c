"""The plant as it is heard: status, health, events, alarms, nodes, and the audit log of commands."""

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
    """How the plant is; answers 200 whatever is missing."""
    return plant_answers.status(gateway.plant, gateway.clients(), gateway.now())


@router.get("/health", openapi_extra=PUBLIC)
@first.get("/health", openapi_extra=PUBLIC)
async def health(gateway: Here) -> HealthAnswer:
    """200 when the clock and every module are heard, else 503 with what is missing and since when."""
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
    after: Annotated[int, Query(ge=0, description="only those of later ticks")] = 0,
    run: Annotated[str | None, Query(max_length=64, description="only those of a run")] = None,
    module: Annotated[str | None, Query(max_length=32, description="only those of a module")] = None,
    severity: Annotated[list[Severity] | None, Query(description="only these")] = None,
) -> EventsAnswer:
    """The newest of the last 1000 events that this gateway heard, oldest first."""
    return plant_answers.events(gateway.plant, limit, after, run, module, severity or ())


@router.get("/alarms")
async def alarms(gateway: Here) -> AlarmsAnswer:
    """The alarms of the present run that are active, or went before anybody had seen them."""
    return plant_answers.alarms(gateway.plant)


@router.post("/alarms/{alarm}/acknowledge")
async def acknowledge(
    ask: Ask,
    alarm: Annotated[
        str, Path(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$", description="id of the alarm", examples=["recorder.alarm"])
    ],
    _body: NoArguments | None = None,
) -> AppliedAnswer:
    """Say that an alarm was seen: an active one stays listed as acknowledged, one that has gone leaves the list."""
    if (
        alarm not in {item.id for item in ask.gateway.plant.alarms()}
        and ask.gateway.plant.commands.find(ask.command_id) is None
    ):
        known = [item.id for item in ask.gateway.plant.alarms()]
        detail = f"there is no alarm {alarm!r} to acknowledge: there are {', '.join(known) or 'none'}"
        raise ProblemError(Problem.of(404, "alarm", detail, known=known))
    return await ask.clock("acknowledge", {"alarm": alarm})


@router.get("/nodes")
async def nodes(gateway: Here) -> NodesAnswer:
    """Every process of the plant: health, how far it has come, restarts; and how late ticks leave."""
    return plant_answers.nodes(gateway.plant)


@router.get("/commands", openapi_extra=ADMIN)
async def commands(
    gateway: Here, limit: Annotated[int, Query(ge=1, le=1000, description="most commands to list")] = 200
) -> CommandsAnswer:
    """The audit log: who commanded what, when it acted, and what became of it."""
    return plant_answers.commands(gateway.plant, limit)
