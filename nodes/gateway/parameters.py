"""Parameters over REST: declarations of the plant joined with the values that a module has in force."""

from typing import Any

from bus import client
from bus.client import NotAnsweredError, RefusedError
from bus.codec import FrameError
from bus.endpoints import Endpoints
from kpp_physics.parameters import DECLARATIONS
from nodes.gateway.answers import ParameterAnswer, ParametersAnswer
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer


async def in_force(endpoints: Endpoints, module: str) -> ParametersAnswer:
    """Every declared parameter with the value that the module answers.

    Raises:
        ProblemError: 503 if the module does not answer or has nothing to show.
    """
    try:
        snapshot = await client.snapshot(endpoints, module)
    except (NotAnsweredError, RefusedError, FrameError) as error:
        raise ProblemError(Problem.of(503, "missing", f"physics {module}: {error}")) from error
    found = [
        ParameterAnswer(
            name=item.name,
            symbol=item.symbol,
            unit=item.unit,
            value=snapshot.parameters.get(item.name),
            default=item.default,
            min=item.minimum,
            max=item.maximum,
            choices=list(item.choices),
            flag=item.flag,
            text=item.text,
            structural=item.structural,
        )
        for item in DECLARATIONS.values()
    ]
    return ParametersAnswer(
        run=snapshot.run, scenario=snapshot.scenario, module=module, seq=snapshot.seq, parameters=found
    )


def require_scalars(changes: dict[str, Any]) -> None:
    """Refuse changes that no parameter could take, whichever it is; the plant checks the rest.

    Raises:
        ProblemError: 422 naming each field.
    """
    if not changes:
        raise ProblemError(Problem.violation("body", "at least one parameter", "name the parameters to change"))
    found = [
        ViolationAnswer(field=name[:200], limit="a number, text or flag", reason=f"{_kind(value)} is no value")
        for name, value in changes.items()
        if not isinstance(value, float | int | str)
    ]
    if found:
        detail = "; ".join(f"{item.field}: {item.reason}" for item in found[:10])
        raise ProblemError(Problem.of(422, "violations", detail, violations=found))


def _kind(value: Any) -> str:
    return "null" if value is None else "a list" if isinstance(value, list) else "an object"
