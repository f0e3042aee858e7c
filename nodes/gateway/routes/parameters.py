"""Parameters: their declarations, the values in force, whether a change would be accepted, and changing them."""

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
        description="new values by name of the parameter, each a number, a text or a flag; all are applied or none",
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
    """Every parameter of a module: its declaration and the value in force. The ETag changes with values and run."""
    found = await parameters.in_force(gateway.endpoints, module)
    conditions.answer(parameters.tag(found))
    return found


@router.get("/parameters/schema")
async def get_declarations() -> DeclarationsAnswer:
    """Every parameter with its unit, limits, default and source; answered without a plant."""
    return parameters.declarations()


@router.post("/parameters/validate")
async def validate(gateway: Here, module: ModuleName, body: Changes) -> ValidAnswer:
    """Check changes against the model and the values in force without applying them; 422 and 409 name what is wrong."""
    parameters.require_scalars(body)
    return await parameters.validate(gateway.endpoints, module, body)


@router.patch("/parameters")
@first.patch("/parameters")
async def patch_parameters(ask: Ask, module: ModuleName, conditions: Conditional, body: Changes) -> AppliedAnswer:
    """Change parameters during the run; the plant checks them together, and applies all or none.

    With `If-Match` they change only if the values in force at that tick are those that the client has seen.
    """
    parameters.require_scalars(body)
    if conditions.excludes:
        conditions.exclude(parameters.tag(await parameters.in_force(ask.gateway.endpoints, module)))
    # `If-Match` is not compared here but by the module, at the tick at which the change acts. Two requests with the
    # same tag would both pass a comparison on arrival; at the tick only the first one can.
    expected = {} if conditions.wanted is None else {IF_MATCH: conditions.wanted}
    return await ask.apply(module, "set_parameters", body | expected)
