"""The REST API: its routes, and the application that they make."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp

from bus.endpoints import Endpoints
from bus.messages import CLOCK_MODULE
from nodes.gateway import answers, parameters, scenarios
from nodes.gateway.answers import (
    AppliedAnswer,
    EventsAnswer,
    HealthAnswer,
    ParametersAnswer,
    ScenariosAnswer,
    StatusAnswer,
)
from nodes.gateway.bodies import StrictBodies
from nodes.gateway.commands import Commands
from nodes.gateway.core import Plant
from nodes.gateway.hosts import LocalOnly
from nodes.gateway.openapi import LIVE, PROBLEM, describe
from nodes.gateway.problems import Problem, ProblemError, register
from nodes.gateway.version import version


@dataclass(frozen=True)
class Gateway:
    """What the routes work with."""

    endpoints: Endpoints
    plant: Plant
    commands: Commands
    scenarios: Path
    """Directory of the scenario files."""
    clients: Callable[[], int]
    """How many WebSocket clients are connected."""
    now: Callable[[], float]
    """The clock that the view of the plant is kept by (s)."""


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _module(request: Request, module: Annotated[str | None, Query(description="the first if left out")] = None) -> str:
    known = list(_gateway(request).plant.modules)
    if module is None:
        return known[0]
    if module not in known:
        detail = f"there is no module {module[:64]!r}: choose one of {', '.join(known)}"
        raise ProblemError(Problem.of(404, "module", detail, known=known))
    return module


def _key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="id of the command, 1 to 64 of A-Z a-z 0-9 _ . : -; the same one never acts twice",
        ),
    ] = None,
) -> str | None:
    # The draft standard writes it in quotes; clients in use write it without.
    return key[1:-1] if key and len(key) > 1 and key[0] == key[-1] == '"' else key


Here = Annotated[Gateway, Depends(_gateway)]
ModuleName = Annotated[str, Depends(_module)]
Key = Annotated[str | None, Depends(_key)]


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class NoArguments(_Arguments):
    """A command without arguments: an empty object, or no body at all."""


class Reset(_Arguments):
    """What the new run starts from."""

    scenario: str | None = Field(None, description="the present one if left out", examples=["reference"])
    parameters: dict[str, float | int | str | bool] | None = Field(
        None, description="put over those of the scenario", examples=[{"water_depth": 20.0}]
    )


class Step(_Arguments):
    """How far to go."""

    ticks: int = Field(1, ge=1, description="ticks to advance", examples=[10])


class Speed(_Arguments):
    """How fast to run: one of the two."""

    speed: float | None = Field(None, description="simulated seconds per second, 0.1 to 100", examples=[2.0])
    flat_out: bool | None = Field(None, description="true: as fast as possible")


Changes = Annotated[
    dict[str, Any],
    Body(
        description="parameters to change, by name: a number, text or flag each; all are applied or none",
        examples=[{"water_temperature": 300.0}],
    ),
]

router = APIRouter(responses=PROBLEM)


async def _obey(
    gateway: Gateway, response: Response, module: str, name: str, args: dict[str, Any], key: str | None
) -> AppliedAnswer:
    answer = await gateway.commands.run(module, name, args, key)
    response.headers["Idempotency-Key"] = answer.id
    return answer


@router.get("/status")
async def status(gateway: Here) -> StatusAnswer:
    """How the plant is; answers 200 whatever is missing."""
    return answers.status(gateway.plant, gateway.clients(), gateway.now())


@router.get("/health")
async def health(gateway: Here) -> HealthAnswer:
    """200 when the clock and every module are heard, else 503 with what is missing and since when."""
    missing = gateway.plant.missing(gateway.now())
    if missing:
        found = answers.missing_answers(missing, time.time())
        detail = "; ".join(f"{item.name}: {item.reason}" for item in missing)
        raise ProblemError(Problem.of(503, "missing", detail, missing=found))
    return HealthAnswer()


@router.get("/data/live", responses=LIVE, response_class=Response)
async def live(gateway: Here, module: ModuleName) -> Response:
    """The newest state frame of a module with its `age` (s); 503 when there is none or it is older than 1 s."""
    frame = gateway.plant.newest(module)
    now = gateway.now()
    missing = [item for item in gateway.plant.missing(now) if item.name == f"physics {module}"]
    if frame is None or missing:
        detail = "; ".join(f"{item.name}: {item.reason}" for item in missing)
        found = answers.missing_answers(missing, time.time())
        raise ProblemError(Problem.of(503, "missing", detail, missing=found))
    return Response(b'{"age":%.6f,' % (now - frame.arrived) + frame.json()[1:], media_type="application/json")


@router.get("/events")
async def events(gateway: Here) -> EventsAnswer:
    """The last 200 events that this gateway heard, oldest first."""
    return answers.events(gateway.plant)


@router.post("/start")
async def start(gateway: Here, response: Response, key: Key, _body: NoArguments | None = None) -> AppliedAnswer:
    """Let simulated time run; after the end of a run this begins a new one."""
    return await _obey(gateway, response, CLOCK_MODULE, "start", {}, key)


@router.post("/pause")
async def pause(gateway: Here, response: Response, key: Key, _body: NoArguments | None = None) -> AppliedAnswer:
    """Halt simulated time."""
    return await _obey(gateway, response, CLOCK_MODULE, "pause", {}, key)


@router.post("/resume")
async def resume(gateway: Here, response: Response, key: Key, _body: NoArguments | None = None) -> AppliedAnswer:
    """Let simulated time run on after a pause."""
    return await _obey(gateway, response, CLOCK_MODULE, "resume", {}, key)


@router.post("/stop")
async def stop(gateway: Here, response: Response, key: Key, _body: NoArguments | None = None) -> AppliedAnswer:
    """End the run."""
    return await _obey(gateway, response, CLOCK_MODULE, "stop", {}, key)


@router.post("/reset")
async def reset(gateway: Here, response: Response, key: Key, body: Reset | None = None) -> AppliedAnswer:
    """Begin a fresh run, stopped at time zero."""
    args = body.model_dump(exclude_none=True) if body else {}
    if "scenario" in args:
        scenarios.require(gateway.scenarios, args["scenario"])
    return await _obey(gateway, response, CLOCK_MODULE, "reset", args, key)


@router.post("/step")
async def step(gateway: Here, response: Response, key: Key, body: Step | None = None) -> AppliedAnswer:
    """Advance a paused or stopped plant by some ticks."""
    return await _obey(gateway, response, CLOCK_MODULE, "step", {"ticks": body.ticks if body else 1}, key)


@router.post("/speed")
async def speed(gateway: Here, response: Response, key: Key, body: Speed) -> AppliedAnswer:
    """Change the speed of simulated time."""
    args = body.model_dump(exclude_none=True)
    if len(args) != 1:
        raise ProblemError(Problem.violation("body", "one of speed, flat_out", "send either speed or flat_out"))
    return await _obey(gateway, response, CLOCK_MODULE, "set_speed", args, key)


@router.get("/parameters")
async def get_parameters(gateway: Here, module: ModuleName) -> ParametersAnswer:
    """Every parameter of a module: declaration, and the value in force."""
    return await parameters.in_force(gateway.endpoints, module)


@router.patch("/parameters")
async def patch_parameters(
    gateway: Here, response: Response, module: ModuleName, key: Key, body: Changes
) -> AppliedAnswer:
    """Change parameters in the run; the plant checks them together, and applies all or none."""
    parameters.require_scalars(body)
    return await _obey(gateway, response, module, "set_parameters", body, key)


@router.get("/scenarios")
async def get_scenarios(gateway: Here) -> ScenariosAnswer:
    """The scenarios that POST /reset takes."""
    return ScenariosAnswer(scenarios=scenarios.listing(gateway.scenarios))


def application(gateway: Gateway) -> ASGIApp:
    """The REST API behind its checks of host, origin and body."""
    # The documentation pages of FastAPI load scripts from other hosts, so only the description itself is served.
    app = FastAPI(title="KPP Simulator", version=version(), docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.gateway = gateway
    app.include_router(router)
    register(app)
    describe(app)
    return LocalOnly(StrictBodies(app), gateway.endpoints.gateway_http.host)
