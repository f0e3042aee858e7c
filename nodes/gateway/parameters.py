"""Parameters over REST: the model's declarations together with the values that a module has in force."""

from typing import Any

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Snapshot
from bus.protocol.tags import IF_MATCH, parameters_tag
from bus.transport import client
from bus.transport.request import NotAnsweredError, RefusedError
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters, Value
from nodes.gateway.answers import (
    DeclarationsAnswer,
    ParameterAnswer,
    ParametersAnswer,
    ValidAnswer,
)
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer


async def snapshot(endpoints: Endpoints, module: str) -> Snapshot:
    """State and parameters in force of a module.

    Raises:
        ProblemError: 503 if the module does not answer or has no plant yet.
    """
    try:
        return await client.snapshot(endpoints, module)
    except (NotAnsweredError, RefusedError, FrameError) as error:
        raise ProblemError(Problem.of(503, "missing", f"physics {module}: {error}")) from error


async def in_force(endpoints: Endpoints, module: str) -> ParametersAnswer:
    """Every declared parameter with the value that a module has in force. Raises ProblemError, see `snapshot`."""
    found = await snapshot(endpoints, module)
    return ParametersAnswer(
        run=found.run,
        scenario=found.scenario,
        module=module,
        seq=found.seq,
        parameters=[
            ParameterAnswer.made(item, value=found.parameters.get(item.name)) for item in DECLARATIONS.values()
        ],
    )


def tag(found: ParametersAnswer) -> str:
    """The entity tag of the values in force: the one that the module compares with when a change acts."""
    return parameters_tag(found.run, {item.name: item.value for item in found.parameters})


async def values(endpoints: Endpoints, module: str) -> dict[str, Value]:
    """Every value in force by name. Raises ProblemError, see `snapshot`."""
    return _in_force(await snapshot(endpoints, module)).as_dict()


async def validate(endpoints: Endpoints, module: str, changes: dict[str, Any]) -> ValidAnswer:
    """What would be in force after some changes; nothing is applied.

    Args:
        endpoints: where the module is.
        module: its name.
        changes: values by name of the parameter.

    Raises:
        ProblemError: 422 or 409 with everything that is wrong; 503 as `snapshot`.
    """
    present = _in_force(await snapshot(endpoints, module))
    try:
        following = present.with_changes(changes)
    except ParameterError as error:
        raise ProblemError(Problem.parameters(error, changes)) from error
    # A value that is sent but is the one in force changes nothing, and is no reason for another run.
    structural = [
        name for name in changes if DECLARATIONS[name].structural and getattr(following, name) != getattr(present, name)
    ]
    return ValidAnswer(
        in_run=not structural,
        in_fork=all(DECLARATIONS[name].forkable for name in structural),
        structural=sorted(structural),
        parameters=following.as_dict(),
    )


def declarations() -> DeclarationsAnswer:
    """Every parameter as it is declared."""
    return DeclarationsAnswer.made(parameters=list(DECLARATIONS.values()))


def _in_force(found: Snapshot) -> Parameters:
    try:
        return Parameters.of(found.parameters)
    except ParameterError as error:  # the module runs another version of the model, with other parameters
        raise ProblemError(Problem.of(503, "missing", f"physics {found.module}: {error}")) from error


def require_scalars(changes: dict[str, Any]) -> None:
    """Refuse changes whose values no parameter could take; the plant checks everything else.

    Args:
        changes: values by name.

    Raises:
        ProblemError: 422 that names each field.
    """
    if not changes:
        reason = "name at least one parameter and its new value"
        raise ProblemError(Problem.violation("body", "at least one parameter", reason))
    found = [
        ViolationAnswer(
            field=name[:200],
            limit="a number, text or flag",
            reason=f"{_kind(value)} cannot be the value of a parameter: send a number, a text, true or false",
        )
        for name, value in changes.items()
        if not isinstance(value, float | int | str)
    ]
    if IF_MATCH in changes:
        # On the bus the condition travels among the values. Here it is a header: let through in the body it would be
        # taken for the condition, and not be refused as the unknown parameter that it is.
        reason = "this is not a parameter: send the header If-Match"
        found.append(ViolationAnswer(field=IF_MATCH, limit="a parameter", reason=reason))
    if found:
        detail = "; ".join(f"{item.field}: {item.reason}" for item in found[:10])
        raise ProblemError(Problem.of(422, "violations", detail, violations=found))


def _kind(value: Any) -> str:
    return "null" if value is None else "a list" if isinstance(value, list) else "an object"
