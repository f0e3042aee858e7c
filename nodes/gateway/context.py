"""What the routes of the REST API work with: the module asked for, the command's key, who asks, the answer."""

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
from nodes.gateway.problems import Problem, ProblemError


@dataclass
class OpenAnswers:
    """Answers that are still being sent."""

    count: int = 0


@dataclass(frozen=True)
class Gateway:
    """What the routes work with."""

    endpoints: Endpoints
    plant: GatewayPlant
    commands: Commands
    scenarios: Scenarios
    presets: Presets
    recordings: Path
    """Folder of the recordings of this host."""
    notifier: Notifier
    """Struck whenever something is heard."""
    clients: Callable[[], int]
    """How many WebSocket clients are connected."""
    metrics: Callable[[], tuple[str, bytes]]
    """Media type and content of the page for Prometheus."""
    now: Callable[[], float]
    """The clock that the view of the plant is kept by (s)."""
    streams: OpenAnswers = field(default_factory=OpenAnswers)
    exports: OpenAnswers = field(default_factory=OpenAnswers)
    """Exports under way."""


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def module_name(gateway: Gateway, module: str | None) -> str:
    """The module that is meant; the first if none is named.

    Raises:
        ProblemError: 404 that lists those there are.
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
        str | None, Query(description="the first if left out", examples=["m1"], pattern="^[a-z][a-z0-9_]{0,31}$")
    ] = None,
) -> str:
    return module_name(_gateway(request), module)


def _key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="id of the command, 1 to 64 of A-Z a-z 0-9 _ . : -; the same one never acts twice",
            pattern=r'^("[A-Za-z0-9_.:\-]{1,64}"|[A-Za-z0-9_.:\-]{1,64})$',
        ),
    ] = None,
) -> str | None:
    # The draft standard writes it in quotes; clients in use write it without.
    return key[1:-1] if key and len(key) > 1 and key[0] == key[-1] == '"' else key


def _caller(request: Request) -> Caller:
    """Who asks, as the door has found."""
    caller: Caller = request.scope[CALLER]
    return caller


Here = Annotated[Gateway, Depends(_gateway)]
ModuleName = Annotated[str, Depends(_module)]


class Asked:
    """A command's surroundings: the gateway, the key, who asks, and the answer under way."""

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
        """The id of the command that the key stands for; empty without a key."""
        return command_id(self.key, self._origin) if self.key else ""

    async def apply(self, module: str, name: str, args: dict[str, Any], key: str | None = None) -> AppliedAnswer:
        """Have a command act and answer what was applied.

        Raises:
            ProblemError: as Commands.run.
        """
        answer = await self.gateway.commands.run(module, name, args, key or self.key, self._origin, self._caller)
        self.answer_with(answer.id)
        return answer

    def answer_with(self, command_id: str) -> None:
        """Name this id as the one to ask again with."""
        self._response.headers["Idempotency-Key"] = command_id

    async def clock(self, name: str, args: dict[str, Any] | None = None) -> AppliedAnswer:
        """The same for a command that the clock obeys."""
        return await self.apply(CLOCK_MODULE, name, args or {})


Ask = Annotated[Asked, Depends(Asked)]


class Arguments(BaseModel):
    """A strict request body."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
"""A whole number, however it is written: 2.0 is one in JSON."""


class NoArguments(Arguments):
    """A command without arguments: an empty object, or no body at all."""


class Settings(Arguments):
    """A body that says at least one of its fields; null says none."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})


def optional(description: str, *, examples: list[Any] | None = None, **schema: Any) -> Any:
    """A field that may be left out, without null being a value of it.

    Args:
        description: for people.
        examples: values.
        schema: what is said of it beside that, and checked by the plant, which answers in its own words.
    """

    def described(found: dict[str, Any]) -> None:
        found.pop("default", None)
        found.update(schema)

    return Field(None, description=description, examples=examples, json_schema_extra=described)


PARAMETERS = "ParameterValues"
"""The schema of some parameters by name."""


def some_parameters(description: str, example: dict[str, Any]) -> Any:
    """A field of a request body with values of some parameters; null is the same as none.

    Args:
        description: for people.
        example: values by name.
    """

    def described(found: dict[str, Any]) -> None:
        found["anyOf"] = [{"$ref": f"#/components/schemas/{PARAMETERS}"}, {"type": "null"}]

    return Field(None, description=description, examples=[example], json_schema_extra=described)


def parameter(name: str) -> Any:
    """A field of a request body that stands for a parameter of the plant: its meaning, unit and limits.

    The limits are part of the description only: the plant checks them and answers in its own words.
    """
    item = DECLARATIONS[name]
    unit = "" if item.unit == "-" else f" ({item.unit})"
    extra = {"unit": item.unit, "minimum": item.minimum, "maximum": item.maximum, "parameter": name}
    said = {key: value for key, value in extra.items() if value is not None}
    return optional(f"{item.text}{unit}", examples=[item.default], **said)
