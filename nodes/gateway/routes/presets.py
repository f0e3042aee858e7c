"""Presets: sets of parameters that are saved, loaded into the run, compared and deleted."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool

from catalog.presets import NAME
from kpp_physics.parameters import DECLARATIONS, ParameterError, Value
from nodes.gateway import parameters
from nodes.gateway.access import ADMIN
from nodes.gateway.answers import AppliedAnswer, ComparisonAnswer, DifferenceAnswer, PresetAnswer, PresetsAnswer
from nodes.gateway.context import Arguments, Ask, Here, ModuleName, NoArguments, some_parameters
from nodes.gateway.preconditions import UNCHANGED, Conditional
from nodes.gateway.problems import Problem, ProblemError

router = APIRouter(tags=["presets"])

Name = Annotated[str, Path(pattern=NAME, description="name of the preset", examples=["deep-water"])]


class Save(Arguments):
    """What to save."""

    parameters: dict[str, Value | bool] | None = some_parameters(
        "put over the defaults; if left out, the values in force are saved", {"water_depth": 20.0}
    )


@router.get("/presets")
async def get_presets(gateway: Here) -> PresetsAnswer:
    """The presets that there are."""
    return PresetsAnswer(presets=gateway.presets.names())


@router.get("/presets/{name}", responses=UNCHANGED)
async def get_preset(gateway: Here, name: Name, conditions: Conditional) -> PresetAnswer:
    """Every parameter of a preset; its ETag is for If-Match and If-None-Match."""
    found, tag = gateway.presets.read(name)
    conditions.answer(tag)
    return PresetAnswer(name=name, parameters=found.as_dict())


@router.put("/presets/{name}")
async def put_preset(
    gateway: Here, module: ModuleName, name: Name, conditions: Conditional, body: Save | None = None
) -> PresetAnswer:
    """Save a preset; it is on disk when this answers. `If-None-Match: *` replaces none."""
    values: dict[str, Value]
    if body is not None and body.parameters is not None:
        values = body.parameters
    else:
        values = await parameters.values(gateway.endpoints, module)
    try:
        written, tag = await run_in_threadpool(gateway.presets.write, name, values, conditions.require)
    except ParameterError as error:
        raise ProblemError(Problem.parameters(error, values)) from error
    conditions.tell(tag)
    return PresetAnswer(name=name, parameters=written.as_dict())


@router.delete("/presets/{name}", status_code=204, openapi_extra=ADMIN)
async def delete_preset(gateway: Here, name: Name, conditions: Conditional) -> None:
    """Delete a preset; with `If-Match` only as it was seen."""
    await run_in_threadpool(gateway.presets.delete, name, conditions.require)


@router.post("/presets/{name}/load")
async def load_preset(ask: Ask, module: ModuleName, name: Name, _body: NoArguments | None = None) -> AppliedAnswer:
    """Change the parameters in force to those of a preset; refused as a whole if one of them needs a new run."""
    wanted = ask.gateway.presets.read(name).parameters.as_dict()
    present = await parameters.values(ask.gateway.endpoints, module)
    changes = {key: value for key, value in wanted.items() if present.get(key) != value}
    return await ask.apply(module, "set_parameters", changes)


@router.get("/presets/{name}/compare")
async def compare_preset(
    gateway: Here,
    module: ModuleName,
    name: Name,
    other: Annotated[str | None, Query(alias="with", pattern=NAME, description="another preset")] = None,
) -> ComparisonAnswer:
    """What differs between a preset and another one, or the values in force."""
    left = gateway.presets.read(name).parameters.as_dict()
    right = (
        gateway.presets.read(other).parameters.as_dict()
        if other
        else await parameters.values(gateway.endpoints, module)
    )
    differences = [
        DifferenceAnswer(name=key, unit=DECLARATIONS[key].unit, left=left[key], right=right[key])
        for key in left
        if left[key] != right[key]
    ]
    return ComparisonAnswer(left=name, right=other, differences=differences)
