"""What the routes of the REST API work with: module, Idempotency-Key and caller of a request, and forms of bodies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import CLOCK_MODULE
from bus.security.access_middleware import CALLER
from bus.security.tokens import Caller
from catalog.presets import Presets
from catalog.scenarios import Scenarios
from kpp_physics.parameters import DECLARATIONS
from nodes.gateway.answers import AppliedAnswer
from nodes.gateway.commands import Commands, command_id
from nodes.gateway.core import GatewayPlant
from nodes.gateway.notifier import Notifier
from nodes.gateway.open_answers import OpenAnswers
from nodes.gateway.problems import Problem, ProblemError

MAX_STREAMS = 64
"""Event streams of one worker at a time."""

MAX_EXPORTS = 2
"""Exports of one worker at a time: the pool of threads is small."""


@dataclass(frozen=True)
class Gateway:
    """Everything that outlasts a request, for the routes."""

    endpoints: Endpoints
    plant: GatewayPlant
    commands: Commands
    scenarios: Scenarios
    presets: Presets
    recordings: Path
    """Folder of the recordings of this host."""
    notifier: Notifier
    """Notified whenever a message was heard."""
    clients: Callable[[], int]
    """How many WebSocket clients are connected, to this worker and to the others."""
    metrics: Callable[[], tuple[str, bytes]]
    """Media type and content of the page for Prometheus."""
    now: Callable[[], float]
    """The clock that the view of the plant is kept by (s)."""
    streams: OpenAnswers = field(
        default_factory=lambda: OpenAnswers(MAX_STREAMS, "event streams are open on this worker: try again later", 1)
    )
    """Server-sent event streams under way."""
    exports: OpenAnswers = field(
        default_factory=lambda: OpenAnswers(
            MAX_EXPORTS, "exports are under way on this worker: try again when one of them has ended", 5
        )
    )
    """Exports under way. Each keeps a thread and a processor busy as long as its client reads."""


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def module_name(gateway: Gateway, module: str | None) -> str:
    """The module that a request is about; the first one if it names none.

    Raises:
        ProblemError: 404 that lists the modules of the plant.
    """
    known = list(gateway.plant.modules)
    if module is None:
        return known[0]
    if module not in known:
        detail = f"there is no module {module[:64]!r}: choose one of {', '.join(known)}"
        raise ProblemError(Problem.of(404, "module", detail, known=known))
    return module


def _module(
    request: Request,
    module: Annotated[
        str | None,
        Query(description="plant module; the first one if left out", examples=["m1"], pattern="^[a-z][a-z0-9_]{0,31}$"),
    ] = None,
) -> str:
    return module_name(_gateway(request), module)


def _key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="makes the request safe to repeat: a command with the same key acts only once; "
            "1 to 64 characters of A-Z a-z 0-9 _ . : -",
            pattern=r'^("[A-Za-z0-9_.:\-]{1,64}"|[A-Za-z0-9_.:\-]{1,64})$',
        ),
    ] = None,
) -> str | None:
    # The draft standard writes the key in quotes, most clients write it without: both mean the same key.
    return key[1:-1] if key and len(key) > 1 and key[0] == key[-1] == '"' else key


def _caller(request: Request) -> Caller:
    """Who asks, as the access middleware has established."""
    caller: Caller = request.scope[CALLER]
    return caller


Here = Annotated[Gateway, Depends(_gateway)]
ModuleName = Annotated[str, Depends(_module)]


class Asked:
    """The request that a command comes from: gateway, Idempotency-Key, caller, and the answer under way."""

    def __init__(
        self,
        gateway: Here,
        response: Response,
        key: Annotated[str | None, Depends(_key)],
        caller: Annotated[Caller, Depends(_caller)],
    ) -> None:
        self.gateway = gateway
        self.key = key
        self._response = response
        self._caller = caller
        self._origin = f"gateway:{caller.name}" if caller.name else "gateway"

    @property
    def command_id(self) -> str:
        """The id of the command that the request's key stands for; empty if the request has no key."""
        return command_id(self.key, self._origin) if self.key else ""

    async def apply(self, module: str, name: str, args: dict[str, Any], key: str | None = None) -> AppliedAnswer:
        """Have a command act, and answer what came into force.

        Args:
            module: addressee: "clock", a plant module, or "*".
            name: what to do.
            args: arguments by name.
            key: stands for this command in place of the request's own key; for a request that takes several commands.

        Raises:
            ProblemError: as `Commands.run`.
        """
        answer = await self.gateway.commands.run(module, name, args, key or self.key, self._origin, self._caller)
        self.answer_with(answer.id)
        return answer

    def answer_with(self, command_id: str) -> None:
        """Put the key with which the client can safely repeat its request into the answer."""
        self._response.headers["Idempotency-Key"] = command_id

    async def clock(self, name: str, args: dict[str, Any] | None = None) -> AppliedAnswer:
        """The same for a command that the clock itself carries out."""
        return await self.apply(CLOCK_MODULE, name, args or {})


Ask = Annotated[Asked, Depends(Asked)]


class Arguments(BaseModel):
    """A strict request body: unknown fields, numbers as text, NaN and infinities are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
"""A whole number, however it is written: 2.0 is one in JSON."""


class NoArguments(Arguments):
    """The body of a command without arguments: an empty object, or none at all."""


class Settings(Arguments):
    """A body with at least one of its fields; a field that is null counts as left out."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})


def optional(description: str, *, examples: list[Any] | None = None, **schema: Any) -> Any:
    """A field that may be left out, and for which null is not a value.

    Args:
        description: for people.
        examples: values.
        schema: further keywords of its schema, such as limits. The plant checks them, and answers in its own words.
    """

    def described(found: dict[str, Any]) -> None:
        # None stands for "left out" in Python alone; as a default in the schema it would contradict the type.
        found.pop("default", None)
        found.update(schema)

    return Field(None, description=description, examples=examples, json_schema_extra=described)


PARAMETERS = "ParameterValues"
"""Name of the schema for values of some parameters."""


def some_parameters(description: str, example: dict[str, Any]) -> Any:
    """A field of a request body with values of some parameters; null means the same as leaving it out.

    Args:
        description: for people.
        example: values by name.
    """

    def described(found: dict[str, Any]) -> None:
        # A reference in place of pydantic's object of anything: clients see each parameter with its limits.
        found["anyOf"] = [{"$ref": f"#/components/schemas/{PARAMETERS}"}, {"type": "null"}]

    return Field(None, description=description, examples=[example], json_schema_extra=described)


def parameter(name: str) -> Any:
    """A field of a request body for one parameter of the plant, with its meaning, unit and limits.

    The limits are part of the description alone. The plant checks them, together with all other parameters, so that
    a violation is worded the same whichever way a value came in.
    """
    item = DECLARATIONS[name]
    unit = "" if item.unit == "-" else f" ({item.unit})"
    extra = {"unit": item.unit, "minimum": item.minimum, "maximum": item.maximum, "parameter": name}
    said = {key: value for key, value in extra.items() if value is not None}
    return optional(f"{item.text}{unit}", examples=[item.default], **said)
