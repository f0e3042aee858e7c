"""Simulated time: start, pause, resume, single steps, run until a time, speed, policy."""

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from nodes.gateway import plant_answers
from nodes.gateway.access import ADMIN
from nodes.gateway.answers import AppliedAnswer, TimeAnswer
from nodes.gateway.context import Arguments, Ask, Here, NoArguments, Settings, WholeNumber, optional
from nodes.gateway.problems import Problem, ProblemError

router = APIRouter(tags=["time"])
first = APIRouter(tags=["first paths"])
"""The paths of the first version, which stay as aliases."""


class Step(Arguments):
    """How far to advance."""

    ticks: WholeNumber = Field(1, ge=1, le=100_000, description="ticks to advance", examples=[10])


class Until(Arguments):
    """When to pause."""

    t: float = Field(gt=0, le=1e9, description="simulated time to pause at, in whole milliseconds (s)", examples=[60.0])


class Speed(Settings):
    """How fast to run: either of the two."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    speed: float = optional("simulated seconds per second", examples=[2.0], minimum=0.1, maximum=100)
    flat_out: bool = optional("true: as fast as the modules can compute", const=True)


class Policy(Arguments):
    """What happens when a module is late."""

    policy: Literal["hold", "catch_up", "stop"] = Field(
        description="hold: simulated time waits for it; catch_up: simulated time waits and later makes up for that; "
        "stop: the run ends",
        examples=["hold"],
    )


@router.get("/time")
async def get_time(gateway: Here) -> TimeAnswer:
    """Simulated time as the newest tick has it."""
    return plant_answers.clock_time(gateway.plant)


@router.post("/time/start")
@first.post("/start")
async def start(ask: Ask, _body: NoArguments | None = None) -> AppliedAnswer:
    """Let simulated time run; if the run has ended, this begins a new one."""
    return await ask.clock("start")


@router.post("/time/pause")
@first.post("/pause")
async def pause(ask: Ask, _body: NoArguments | None = None) -> AppliedAnswer:
    """Halt simulated time."""
    return await ask.clock("pause")


@router.post("/time/resume")
@first.post("/resume")
async def resume(ask: Ask, _body: NoArguments | None = None) -> AppliedAnswer:
    """Let simulated time continue after a pause."""
    return await ask.clock("resume")


@router.post("/time/step")
@first.post("/step")
async def step(ask: Ask, body: Step | None = None) -> AppliedAnswer:
    """Advance a paused or stopped plant by a number of ticks."""
    return await ask.clock("step", {"ticks": body.ticks if body else 1})


@router.post("/time/run-until")
async def run_until(ask: Ask, body: Until) -> AppliedAnswer:
    """Let simulated time run and pause it exactly at a given time; a pause or stop before that cancels the request."""
    return await ask.clock("run_until", {"t": body.t})


@router.post("/time/speed")
@first.post("/speed")
async def speed(ask: Ask, body: Speed) -> AppliedAnswer:
    """Change the speed of simulated time."""
    # The values themselves are checked by the clock, as for every other way in; here only what the clock never sees.
    args = body.model_dump(exclude_none=True)
    if len(args) != 1:
        raise ProblemError(Problem.violation("body", "one of speed, flat_out", "send either speed or flat_out"))
    return await ask.clock("set_speed", args)


@router.post("/time/policy", openapi_extra=ADMIN)
async def policy(ask: Ask, body: Policy) -> AppliedAnswer:
    """Choose what happens when a module is late."""
    return await ask.clock("set_policy", {"policy": body.policy})
