"""The description of the REST API, completed with what FastAPI cannot see: problems and the state frame."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bus.messages import State
from bus.schema import Message
from nodes.gateway.problems import MEDIA_TYPE, Problem
from nodes.gateway.views import VIEWS

_REFERENCE = "#/components/schemas/{}"

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong, as RFC 9457 problem details",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format("Problem")}}},
    }
}
"""For every route: whatever is no success is a problem."""

LIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The newest state frame",
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        {"$ref": _REFERENCE.format("State")},
                        {
                            "type": "object",
                            "required": ["age"],
                            "properties": {"age": {"type": "number", "minimum": 0, "description": "age (s)"}},
                        },
                    ]
                }
            }
        },
    }
}


EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `state`, `gap` and `stale`; the data of a state is a state frame, or what was selected",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "For Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def of_view(kind: type[Message]) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that encodes a message itself."""
    schema = {"$ref": _REFERENCE.format(kind.__name__)}
    summary = (kind.__doc__ or "").split("\n")[0]
    return {200: {"description": summary, "content": {"application/json": {"schema": schema}}}}


DESCRIPTION = """\
Run the plant, change its parameters and read its state. The plant answers every command: 200 means that it acted, and
says at which tick and simulated time. Everything else is a problem (RFC 9457), with the field, the limit and the reason
where a value was wrong. Send an `Idempotency-Key` with a command to ask again safely after a 503."""


def describe(app: FastAPI) -> None:
    """Give the application its complete description, made once on first demand."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema(ref_template=_REFERENCE.format("{model}"))
            schemas.update(schemas["Problem"].pop("$defs", {}))
            kinds = [State, *VIEWS.values()]
            _, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE.format("{name}"))
            schemas.update(components)
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI documents this assignment as the way to extend its description.
    app.openapi = description  # type: ignore[method-assign]  # FastAPI's own way to extend it
