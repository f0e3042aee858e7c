"""Runs: beginning one from a scenario, stopping it, beginning again; and the list of scenarios."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from kpp_physics.parameters import Value
from nodes.gateway import plant_answers
from nodes.gateway.answers import AppliedAnswer, RunsAnswer, ScenarioAnswer, ScenariosAnswer
from nodes.gateway.context import Arguments, Ask, Here, NoArguments, some_parameters
from nodes.gateway.problems import Problem, ProblemError

router = APIRouter(tags=["runs"])
first = APIRouter(tags=["first paths"])

RUN = r"^[A-Za-z0-9_.:\-]{1,64}$"


class Reset(Arguments):
    """What the new run begins with."""

    scenario: str | None = Field(
        None, description="name of a scenario; that of the present run if left out", examples=["reference"]
    )
    parameters: dict[str, Value | bool] | None = some_parameters(
        "values that replace those of the scenario", {"water_depth": 20.0}
    )


class Begin(Reset):
    """What the new run begins with, and whether its time runs at once."""

    start: bool = Field(True, description="whether time runs at once; if false, it stands at zero until it is started")


@router.get("/runs")
async def get_runs(
    gateway: Here,
    before: Annotated[str | None, Query(pattern=RUN, description="list the runs older than this one")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="most runs to list")] = 50,
) -> RunsAnswer:
    """Runs that this gateway has heard of since it began to listen."""
    return plant_answers.runs(gateway.plant, before, limit)


@router.post("/runs")
async def begin(ask: Ask, body: Begin | None = None) -> AppliedAnswer:
    """Begin a new run from a scenario and let its time run; the answer is that to the last command that this takes."""
    wanted = body or Begin()  # type: ignore[call-arg]  # every field has a default
    answer = await _reset(ask, wanted)
    if not wanted.start:
        return answer
    # The second command needs an id of its own, and one that follows from the first: a client that repeats its request,
    # with the one key that it knows, repeats both commands, and neither acts a second time.
    follower = hashlib.sha256(answer.id.encode()).hexdigest()[:32]
    started = await ask.apply("clock", "start", {}, follower)
    ask.answer_with(answer.id)
    return started.model_copy(update={"id": answer.id, "applied": answer.applied | started.applied})


@router.post("/runs/reset")
@first.post("/reset")
async def reset(ask: Ask, body: Reset | None = None) -> AppliedAnswer:
    """Begin a new run that stands at time zero."""
    return await _reset(ask, body)


@router.post("/runs/stop")
@first.post("/stop")
async def stop(ask: Ask, _body: NoArguments | None = None) -> AppliedAnswer:
    """End the present run."""
    return await ask.clock("stop")


@router.get("/scenarios")
@first.get("/scenarios")
async def get_scenarios(gateway: Here) -> ScenariosAnswer:
    """The scenarios that a run can begin from."""
    try:
        found = gateway.scenarios.described()
    except OSError as error:
        detail = f"the scenarios cannot be read ({error.strerror}): KPP_SCENARIOS has to name their folder"
        raise ProblemError(Problem.of(503, "scenarios", detail)) from error
    return ScenariosAnswer(scenarios=[ScenarioAnswer(name=each.name, text=each.text) for each in found])


async def _reset(ask: Ask, body: Reset | None) -> AppliedAnswer:
    args = body.model_dump(exclude_none=True, include={"scenario", "parameters"}) if body else {}
    if "scenario" in args:
        ask.gateway.scenarios.require(args["scenario"])
    return await ask.clock("reset", args)
