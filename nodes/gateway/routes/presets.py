"""Presets: named sets of parameters that are saved, loaded into the run, compared and deleted."""

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
        "values that differ from the defaults; if left out, the values in force are saved", {"water_depth": 20.0}
    )


@router.get("/presets")
async def get_presets(gateway: Here) -> PresetsAnswer:
    """The names of all presets."""
    return PresetsAnswer(presets=gateway.presets.names())


@router.get("/presets/{name}", responses=UNCHANGED)
async def get_preset(gateway: Here, name: Name, conditions: Conditional) -> PresetAnswer:
    """Every parameter of a preset; the ETag is for If-Match and If-None-Match."""
    # Values and tag come from one reading: the file may be replaced at any time.
    found, tag = gateway.presets.read(name)
    conditions.answer(tag)
    return PresetAnswer(name=name, parameters=found.as_dict())


@router.put("/presets/{name}")
async def put_preset(
    gateway: Here, module: ModuleName, name: Name, conditions: Conditional, body: Save | None = None
) -> PresetAnswer:
    """Save a preset; it is on disk when the answer comes. With `If-None-Match: *` an existing one is not replaced."""
    values: dict[str, Value]
    if body is not None and body.parameters is not None:
        values = body.parameters
    else:
        values = await parameters.values(gateway.endpoints, module)
    try:
        # In a thread, because it waits for the disk and for other writers. The conditions are checked in there, while
        # the folder is locked: a preset that another worker or the dashboard saves meanwhile is seen.
        written, tag = await run_in_threadpool(gateway.presets.write, name, values, conditions.require)
    except ParameterError as error:
        raise ProblemError(Problem.parameters(error, values)) from error
    conditions.tell(tag)
    return PresetAnswer(name=name, parameters=written.as_dict())


@router.delete("/presets/{name}", status_code=204, openapi_extra=ADMIN)
async def delete_preset(gateway: Here, name: Name, conditions: Conditional) -> None:
    """Delete a preset; with `If-Match` only if it is as the client has seen it."""
    await run_in_threadpool(gateway.presets.delete, name, conditions.require)


@router.post("/presets/{name}/load")
async def load_preset(ask: Ask, module: ModuleName, name: Name, _body: NoArguments | None = None) -> AppliedAnswer:
    """Put the parameters of a preset in force; refused as a whole if one of them can only change with a new run."""
    wanted = ask.gateway.presets.read(name).parameters.as_dict()
    present = await parameters.values(ask.gateway.endpoints, module)
    # Only what differs: a preset names every parameter, and the audit log is to show what was changed.
    changes = {key: value for key, value in wanted.items() if present.get(key) != value}
    return await ask.apply(module, "set_parameters", changes)


@router.get("/presets/{name}/compare")
async def compare_preset(
    gateway: Here,
    module: ModuleName,
    name: Name,
    other: Annotated[str | None, Query(alias="with", pattern=NAME, description="another preset")] = None,
) -> ComparisonAnswer:
    """The parameters that differ between a preset and another one, or the values in force."""
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
