"""What is described is what works: documented examples, and a client that was generated from the description."""

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import jsonschema
import pytest

from nodes.gateway.openapi import join
from nodes.gateway.rest import description

from .conftest import Running

JSON = "application/json"
DOCUMENT = description()
ENDLESS = "/v1/stream"
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if path != ENDLESS
]
NOT_HERE = {404, 409, 503}
"""What examples may be answered that name a run, an alarm or a preset which this plant has not."""


def example(parameter: dict[str, Any]) -> Any:
    """The documented example of a parameter; one of its values if they are listed."""
    schema = parameter["schema"]
    if "$ref" in schema:
        return DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["enum"][0]
    return (parameter.get("examples") or schema["examples"])[0]


def needed(operation: dict[str, Any], where: str) -> dict[str, Any]:
    """Examples of the parameters that have to be there."""
    found = [each for each in operation.get("parameters", []) if each["in"] == where and each["required"]]
    return {each["name"]: example(each) for each in found}


def body(operation: dict[str, Any]) -> Any:
    """The documented example of the body."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    return None if content is None else content["example"]


def test_s07_every_schema_has_a_name_of_its_own() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    titles = [schema["title"] for schema in schemas.values()]
    assert len(titles) == len(set(titles))
    for control in ("generator", "grid", "water"):
        operation = DOCUMENT["paths"][f"/v1/controls/{control}"]["post"]
        reference = operation["requestBody"]["content"][JSON]["schema"]["$ref"]
        assert set(schemas[reference.rpartition("/")[2]]["properties"]) >= set(body(operation))
    with pytest.raises(ValueError, match="two schemas are named Grid"):
        join({"Grid": {"type": "object"}}, {"Grid": {"type": "string"}})


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{method} {path}" for method, path, _ in OPERATIONS]
)
def test_s07_every_operation_takes_its_documented_example(
    gateway: Running, method: str, path: str, operation: dict[str, Any]
) -> None:
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"][JSON]["schema"]
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(body(operation))
    url = path.format(**needed(operation, "path"))
    answer = gateway.rest.request(method, url, params=needed(operation, "query"), json=body(operation))
    assert answer.status_code in {200, 204} | NOT_HERE, answer.text
    if "/controls/" in path or "/time" in path or "parameters" in path:
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/v1/time/start", "/v1/runs", "/v1/controls/emergency-stop"])
def test_s07_a_body_that_may_be_left_out_is_no_null(gateway: Running, path: str) -> None:
    assert "null" not in json.dumps(DOCUMENT["paths"][path]["post"]["requestBody"])
    assert gateway.rest.post(path).status_code == 200


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a client as a user's generator writes it."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(DOCUMENT))
    (folder / "config.yml").write_text("post_hooks: []\n")
    tool = Path(sys.executable).with_name("openapi-python-client")
    options = ["--meta", "none", "--path", "openapi.json", "--config", "config.yml", "--output-path", "plant_client"]
    run = subprocess.run([tool, "generate", *options], cwd=folder, capture_output=True, text=True, check=True)
    assert "arning" not in run.stdout + run.stderr
    return folder


def call(module: ModuleType, client: Any, operation: dict[str, Any]) -> Any:
    """Call a generated operation with what its description shows."""
    arguments = {f"{name}_" if name == "from" else name: value for name, value in needed(operation, "path").items()}
    arguments |= needed(operation, "query")
    parameters = inspect.signature(module.sync_detailed).parameters
    if "body" in parameters and operation["requestBody"].get("required"):
        annotation = parameters["body"].annotation
        kind = next(each for each in get_args(annotation) or (annotation,) if hasattr(each, "from_dict"))
        arguments["body"] = kind.from_dict(body(operation))
    return module.sync_detailed(client=client, **arguments)


def test_s07_a_generated_client_calls_every_operation(
    gateway: Running, generated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(generated))
    made = importlib.import_module("plant_client").Client(base_url=str(gateway.endpoints.gateway_http), timeout=60)
    for method, path, operation in OPERATIONS:
        if operation.get("deprecated"):
            continue
        tag = operation["tags"][0].replace(" ", "_")
        name = re.sub("_+", "_", operation["operationId"])
        module = importlib.import_module(f"plant_client.api.{tag}.{name}")
        answer = call(module, made, operation)
        assert int(answer.status_code) in {200, 204} | NOT_HERE, (method, path, answer.content)
        if "/controls/" in path:
            assert int(answer.status_code) == 200, answer.content
            assert answer.parsed is not None
    made.get_httpx_client().close()
