"""Parameters: what there is, what is in force, whether a change would be taken, and changing it."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from bus.protocol.tags import IF_MATCH
from nodes.gateway import parameter_values, parameters
from nodes.gateway.answers import AppliedAnswer, DeclarationsAnswer, ParametersAnswer, ValidAnswer
from nodes.gateway.context import Ask, Here, ModuleName
from nodes.gateway.preconditions import UNCHANGED, Conditional

router = APIRouter(tags=["parameters"])
first = APIRouter(tags=["first paths"])

Changes = Annotated[
    dict[str, Any],
    Body(
        description="parameters to change, by name: a number, text or flag each; all are applied or none",
        examples=[{"water_temperature": 300.0}],
        json_schema_extra={
            "minProperties": 1,
            **parameter_values.schemas(),
        },
    ),
]


@router.get("/parameters", responses=UNCHANGED)
@first.get("/parameters", responses=UNCHANGED)
async def get_parameters(gateway: Here, module: ModuleName, conditions: Conditional) -> ParametersAnswer:
    """Every parameter of a module: declaration, and the value in force. The ETag changes with them and the run."""
    found = await parameters.in_force(gateway.endpoints, module)
    conditions.answer(parameters.tag(found))
    return found


@router.get("/parameters/schema")
async def get_declarations() -> DeclarationsAnswer:
    """Every parameter with its unit, limits, default and source; needs no plant."""
    return parameters.declarations()


@router.post("/parameters/validate")
async def validate(gateway: Here, module: ModuleName, body: Changes) -> ValidAnswer:
    """Check changes against the model and the values in force, and apply nothing; 422 and 409 name what is wrong."""
    parameters.require_scalars(body)
    return await parameters.validate(gateway.endpoints, module, body)


@router.patch("/parameters")
@first.patch("/parameters")
async def patch_parameters(ask: Ask, module: ModuleName, conditions: Conditional, body: Changes) -> AppliedAnswer:
    """Change parameters in the run; the plant checks them together, and applies all or none.

    With `If-Match` only if those in force when the change acts are those that the client has seen.
    """
    parameters.require_scalars(body)
    if conditions.excludes:
        conditions.exclude(parameters.tag(await parameters.in_force(ask.gateway.endpoints, module)))
    # The module itself compares, at the tick: of two that saw the same, one changes it.
    expected = {} if conditions.wanted is None else {IF_MATCH: conditions.wanted}
    return await ask.apply(module, "set_parameters", body | expected)
