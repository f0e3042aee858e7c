"""Programs that were written against an earlier description of the REST API still fit the present one.

`openapi_v1.json` is what they rely on: paths, parameters, bodies and answers, without the words. What is added is not
in it until `python -m tests.nodes.gateway.test_compatible` writes it again, which is for a change of the version.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from nodes.gateway.rest import description

KEPT = Path(__file__).with_name("openapi_v1.json")
WORDS = {"description", "summary", "title", "example", "examples", "info", "unit", "operationId", "tags"}
"""What people read; names of classes and operations among it, which stand in the references too."""


def contract(value: Any, *, named: bool = False) -> Any:
    """A description without the words; `named` is true of an object whose keys are names that somebody chose."""
    if isinstance(value, list):
        return [contract(each) for each in value]
    if not isinstance(value, dict):
        return value
    chosen = {"properties", "schemas", "paths", "responses", "content"}
    return {key: contract(each, named=key in chosen) for key, each in value.items() if named or key not in WORDS}


def lost(old: Any, new: Any, where: str = "") -> list[str]:
    """What the old description says and the new one does not, by its place; additions are allowed."""
    if isinstance(old, dict) and isinstance(new, dict):
        gone = [f"{where}/{key}" for key in old if key not in new]
        return gone + [each for key in old if key in new for each in lost(old[key], new[key], f"{where}/{key}")]
    if where.endswith(("/required", "/enum")) and isinstance(old, list) and isinstance(new, list):
        return [f"{where}/{name}" for name in old if name not in new]
    if where.endswith("/parameters"):
        by_name = {(each["in"], each["name"]): each for each in new}
        return [
            each
            for item in old
            for each in lost(item, by_name.get((item["in"], item["name"]), {}), f"{where}/{item['name']}")
        ]
    return [] if old == new else [where]


def asked(document: dict[str, Any]) -> dict[str, list[str]]:
    """Fields that each request body requires."""
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            found[f"{method} {path}"] = document["components"]["schemas"].get(name, schema).get("required", [])
    return found


def test_nothing_that_a_client_relies_on_has_gone_from_the_description() -> None:
    kept, present = json.loads(KEPT.read_text()), contract(description())
    assert lost(kept, present) == []
    required = asked(present)
    assert {name: required[name] for name in asked(kept)} == asked(kept), "an older client does not send what is new"


def event(found: dict[str, Any]) -> Any:
    return found["components"]["schemas"]["EventAnswer"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda found: found["paths"].pop("/v1/runs"), "/paths/~/v1/runs"),
        (
            lambda found: event(found)["properties"].pop("t"),
            "/EventAnswer/properties/t",
        ),
        (
            lambda found: event(found)["properties"]["t"].update(type="string"),
            "/EventAnswer/properties/t/type",
        ),
        (
            lambda found: event(found)["required"].remove("t"),
            "/EventAnswer/required/t",
        ),
    ],
)
def test_what_a_client_would_miss_is_found(change: Any, place: str) -> None:
    found = json.loads(KEPT.read_text())
    change(found)
    told = lost(json.loads(KEPT.read_text()), found)
    assert len(told) == 1
    assert told[0].endswith(place.replace("~/", "/"))


if __name__ == "__main__":
    KEPT.write_text(json.dumps(contract(description()), indent=0, sort_keys=True) + "\n")
