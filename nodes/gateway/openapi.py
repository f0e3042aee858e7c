"""The OpenAPI description of the REST API, with what FastAPI cannot see added: problems, views of the state, roles."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bus.protocol.documents import schemas as schemas_of
from bus.protocol.messages import State
from nodes.gateway import parameter_values
from nodes.gateway.access import EXTENSION, declared
from nodes.gateway.context import PARAMETERS
from nodes.gateway.problems import MEDIA_TYPE, Problem
from nodes.gateway.views import VIEWS, View, view

_REFERENCE = "#/components/schemas/{}"

JSON = "application/json"

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Why the request was not carried out, as RFC 9457 problem details",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format("Problem")}}},
    }
}
"""For every route: each answer that is not a success is a problem."""

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `state`, `gap` and `stale`; the data of `state` is a state, or the selected part of it",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

EXPORTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file; its name is in Content-Disposition",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Metrics for Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}
}

DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The description", "content": {JSON: {"schema": {"type": "object"}}}}
}

AGE = 0.004
"""Age of the state in examples (s)."""

_AGE = {"type": "number", "minimum": 0, "description": "age of the state at the gateway (s)"}
_WITH_AGE = {"type": "object", "required": ["age"], "properties": {"age": _AGE}}


@cache
def example() -> State:
    """A state of the reference plant a minute after its start, cut down to three floaters; made by docs/example.py."""
    data = (Path(__file__).parent / "example_state.json").read_bytes()
    return msgspec.json.decode(data, type=State)


def of_live() -> dict[int | str, dict[str, Any]]:
    """The answer of a route whose answer is a whole state."""
    schema = {"allOf": [{"$ref": _REFERENCE.format("State")}, _WITH_AGE]}
    return {200: {"description": "The newest state frame", "content": {JSON: {"schema": schema}}}}


def of_view(name: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that encodes a view itself, so that FastAPI does not know its shape."""
    kind: type[View] = VIEWS[name]
    schema = {"$ref": _REFERENCE.format(kind.__name__)}
    summary = (kind.__doc__ or "").split("\n")[0]
    return {200: {"description": summary, "content": {JSON: {"schema": schema}}}}


DESCRIPTION = """\
Run the plant, change its parameters and read its state. The plant answers every command: 200 means that it has acted,
and the answer says at which tick and simulated time. Any other answer is a problem (RFC 9457), which names the field,
the limit and the reason if a value was wrong. Send an `Idempotency-Key` with a command, and you can safely repeat the
request after a 503.

Once the plant has tokens (`kpp keys init`), every request needs one, as `Authorization: Bearer <token>`; only
operations that are `public` do not. `x-role` says which role an operation takes: viewer, operator or admin."""


def describe(app: FastAPI) -> None:
    """Give the application its complete description; it is made once, when it is first needed."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            components = schema.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template=_REFERENCE.format("{model}"))
            join(schemas, {**problem.pop("$defs", {}), "Problem": problem})
            join(schemas, {PARAMETERS: {"title": PARAMETERS, **parameter_values.schemas()}})
            join(schemas, _of_states())
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for operations in schema["paths"].values():
                for method, operation in operations.items():
                    _complete(method.upper(), operation)
                    _complete_body(operation, schemas)
            _show(schema["paths"])
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI documents this assignment as the way to extend its description.
    app.openapi = description  # type: ignore[method-assign]  # FastAPI's own way to extend it


def join(schemas: dict[str, Any], more: dict[str, Any]) -> None:
    """Add schemas by name.

    Raises:
        ValueError: if a name stands for another schema already; a reference to it would mean either.
    """
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are named {name}: give one of the classes another name")


def _of_states() -> dict[str, Any]:
    """Schemas of the state and its views.

    Their parts get names that begin with "State": a request body may be called Grid too, and is something else.
    """
    kinds: list[type[Any]] = [State, *VIEWS.values()]
    whole = {kind.__name__ for kind in kinds}
    found = schemas_of(kinds, _REFERENCE.format("{name}"))
    names = {name: name if name in whole else f"State{name}" for name in found}
    references = {_REFERENCE.format(name): _REFERENCE.format(new) for name, new in names.items()}
    # Generators of clients name their classes after the titles.
    return {names[name]: _pointing(schema, references) | {"title": names[name]} for name, schema in found.items()}


def _pointing(value: Any, references: dict[str, str]) -> Any:
    """A schema with its references replaced, at every depth."""
    if isinstance(value, dict):
        return {
            name: references[each] if name == "$ref" else _pointing(each, references) for name, each in value.items()
        }
    return [_pointing(each, references) for each in value] if isinstance(value, list) else value


def _show(paths: dict[str, Any]) -> None:
    """Add examples of states; added by FastAPI they would lack every field that is null."""
    shown = {f"/v1/data/{name}": msgspec.to_builtins(view(name, example(), AGE)) for name in VIEWS}
    live = {"age": AGE, **msgspec.to_builtins(example())}
    for path, value in {**shown, "/v1/data/live": live, "/data/live": live}.items():
        paths[path]["get"]["responses"]["200"]["content"][JSON]["example"] = value


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Say which role an operation takes."""
    operation[EXTENSION] = declared(method, operation).name.lower()
    if operation[EXTENSION] != "public":
        operation["security"] = [{"token": []}, {}]  # the empty one: a plant without tokens requires none
    # FastAPI adds its own shape of a 422. This API answers that with a problem too, as "default" says.
    operation["responses"].pop("422", None)


def _complete_body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Describe the body as clients send it, with an example of a whole one."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content is None:
        return
    # A body that may be left out is not nullable: generated clients would send "null" when they have no body.
    choices = [each for each in content["schema"].get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        content["schema"] = choices[0]
    schema = content["schema"]
    declared = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    parts = {name: each["examples"][0] for name, each in declared.get("properties", {}).items() if "examples" in each}
    content["example"] = declared["examples"][0] if "examples" in declared else parts
