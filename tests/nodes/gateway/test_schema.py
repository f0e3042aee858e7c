"""The descriptions are in order, and the whole REST interface keeps to its own, whatever is sent to it."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import negative_data_rejection

from bus.protocol.messages import PUBLISHED
from nodes.gateway import asyncapi
from nodes.gateway.rest import description

from .conftest import Running

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "v1"
EXAMPLES = int(os.environ.get("KPP_SCHEMA_EXAMPLES", "12"))
"""Requests of each operation; `make fuzz` sends more."""

UNKNOWN: list[Any] = [negative_data_rejection]
"""The peer of these tests takes every value of a parameter; the real plant is asked in tests/e2e/test_described.py."""

SCHEMA = schemathesis.openapi.from_dict(description()).exclude(deprecated=True).exclude(path="/v1/stream")


def test_the_openapi_description_is_valid_and_has_examples() -> None:
    document = description()
    validate(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert operation["x-role"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert "example" in json.dumps(content) or "$ref" in json.dumps(content), (method, path)


def test_every_example_fits_its_schema() -> None:
    document = description()
    for operations in document["paths"].values():
        for operation in operations.values():
            content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
            if "example" in content:
                schema = {**content["schema"], "components": document["components"]}
                jsonschema.Draft202012Validator(schema).validate(content["example"])


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for each in value.values() for found in references(each)]
    return [found for each in value for found in references(each)] if isinstance(value, list) else []


def test_the_asyncapi_description_is_whole() -> None:
    document = asyncapi.document()
    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for operation in document["operations"].values():
        channel = document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        names = [message["$ref"].rpartition("/")[2] for message in operation["messages"]]
        assert operation["action"] in {"send", "receive"}
        assert set(names) <= set(channel["messages"])
    topics = {channel["address"] for channel in document["channels"].values()}
    assert {kind.TOPIC if not kind.TOPIC.endswith("/") else kind.TOPIC.split("/")[0] for kind in PUBLISHED} <= {
        str(topic).split("/")[0] for topic in topics
    }


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.msgpack")), ids=lambda path: path.stem)
def test_what_travels_fits_the_asyncapi_description(path: Path) -> None:
    document = asyncapi.document()
    schema = {"$ref": f"#/components/schemas/{path.stem}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(msgspec.msgpack.decode(path.read_bytes()))


def test_both_are_served_as_committed(gateway: Running) -> None:
    for name in ("openapi", "asyncapi"):
        served = gateway.rest.get(f"/v1/{name}.json").json()
        assert served == json.loads((ROOT / "docs" / f"{name}.json").read_text())


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_every_answer_keeps_to_the_description(case: schemathesis.Case[Any], gateway: Running) -> None:
    response = case.call(base_url=str(gateway.endpoints.gateway_http), timeout=60)
    assert response.status_code < 500 or response.status_code == 503, response.text
    case.validate_response(response, excluded_checks=UNKNOWN)
