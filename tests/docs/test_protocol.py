"""The protocol page and the schemas: fresh, complete, and true."""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec.inspect as mi
import pytest

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Result, Sequenced, State, Tick
from bus.protocol.schema import Message
from bus.transport.sockets import Publisher, Server
from docs.generate import FOLDER, documents, filled, stale_files
from nodes.clock.clock_commands import read_command
from tests.bus.catalogue import WIRE, Place, bare, leaves, places
from tests.bus.samples import sample
from tests.ports import free_address

ROOT = FOLDER.parent
PAGE = (FOLDER / "protocol.md").read_text(encoding="utf-8")
FREE_FORM = {
    "Command.args",
    "CommandRequest.args",
    "PrepareRequest.parameters",
    "Result.applied",
    "Snapshot.parameters",
}
"""Values by name: each parameter has its own unit, which `GET /parameters` tells."""


# Fresh


def test_what_is_committed_is_what_would_be_written_now() -> None:
    stale = [str(path.relative_to(ROOT)) for path in stale_files(FOLDER)]
    assert stale == [], "run `python docs/generate.py` and commit what it writes"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The documents in a folder of their own, with the program that makes them."""
    return Path(shutil.copytree(FOLDER, tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__", "images")))


def generate(copy: Path, *args: str) -> tuple[int, list[str]]:
    """Run the program; its exit code and its lines."""
    done = subprocess.run(
        [sys.executable, str(copy / "generate.py"), *args],
        cwd=copy, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_check_names_what_is_stale_and_writing_mends_it(copy: Path) -> None:
    assert generate(copy, "--check") == (0, [])
    (copy / "protocol.md").write_text(PAGE.replace("Sockets", "Plugs"))
    (copy / "schemas" / "Tick.json").unlink()
    (copy / "schemas" / "Gone.json").write_text("{}")
    code, lines = generate(copy, "--check")
    assert code == 1
    assert lines == [
        f"stale: docs/{name}: run `python docs/generate.py`"
        for name in ("protocol.md", "schemas/Tick.json", "schemas/Gone.json")
    ]
    assert generate(copy) == (0, [])
    assert generate(copy, "--check") == (0, [])
    assert not (copy / "schemas" / "Gone.json").exists()


def test_a_name_that_nobody_fills_in_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"unknown name at '\{\{no_such\}\} thing'"):
        filled("{{version}} {{no_such}} thing")


# Complete


@pytest.mark.parametrize("place", places(), ids=lambda place: place.path)
def test_every_field_has_a_meaning_and_every_number_a_unit(place: Place) -> None:
    kind = bare(place.type)
    if isinstance(kind, mi.StructType):
        assert kind.cls.__doc__, "a group is explained by its class"
        return
    assert place.meaning, f"{place.path} has no meaning"
    numeric = any(isinstance(leaf, mi.FloatType | mi.IntType) for leaf in leaves(place.type))
    index = place.path == "Valve.floater"  # the number of a floater is a name
    assert bool(place.unit) == (numeric and place.path not in FREE_FORM and not index), f"{place.path}: {place.unit!r}"


def test_every_message_stands_on_the_page_with_every_field() -> None:
    for place in places():
        (text,) = re.findall(rf"^##+ {place.owner.__name__}\n(.*?)(?=^##)", PAGE + "\n##", re.DOTALL | re.MULTILINE)
        assert f"| `{place.name}` |" in text, place.path
        if place.unit:
            assert f" | {place.unit} | " in text


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (FOLDER / target).exists(), target


def test_the_table_of_addresses_names_every_variable() -> None:
    named = set(re.findall(r"KPP_[A-Z_]+", inspect.getdoc(Endpoints.from_environment) or ""))
    assert named
    assert named <= set(re.findall(r"KPP_[A-Z_]+", PAGE))


# The schemas


@pytest.mark.parametrize("cls", WIRE, ids=lambda cls: cls.__name__)
def test_schemas_fit_the_messages(cls: type[Message]) -> None:
    schema = json.loads((FOLDER / "schemas" / f"{cls.__name__}.json").read_text(encoding="utf-8"))
    conform(schema, schema, sample(cls), cls.__name__)
    assert schema["version"] == 1


def conform(whole: dict[str, Any], schema: dict[str, Any], value: Any, path: str) -> None:
    """A small check of the parts of JSON Schema that the declarations use."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        errors = []
        for each in schema["anyOf"]:
            try:
                conform(whole, each, value, path)
            except AssertionError as error:
                errors.append(str(error))
        assert len(errors) < len(schema["anyOf"]), errors
        return
    if "enum" in schema:
        assert value in schema["enum"], path
        return
    types: dict[str, type | tuple[type, ...]] = {
        "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
        "null": type(None),
    }  # fmt: skip
    assert isinstance(value, types[schema["type"]]), f"{path}: {value!r} is no {schema['type']}"
    if isinstance(value, str) and "pattern" in schema:
        assert re.search(schema["pattern"], value), path
    for name in schema.get("required", ()):
        assert name in value, f"{path}.{name}"
    if schema["type"] == "array":
        for each in value:
            conform(whole, schema["items"], each, path)
    if schema["type"] == "object":
        for name, each in value.items():
            inner = schema["properties"][name] if "properties" in schema else schema["additionalProperties"]
            conform(whole, inner, each, f"{path}.{name}")


def test_schemas_carry_units_and_no_limits_that_only_say_finite() -> None:
    text = documents()["schemas/State.json"]
    assert "1.797" not in text
    chain = json.loads(text)["$defs"]["Chain"]["properties"]
    assert chain["speed"] == {
        "description": "chain speed v, > 0 in the running direction",
        "unit": "m/s",
        "type": "number",
    }


# True


def documented(heading: str) -> list[tuple[str, str]]:
    """Commands of a table of the page: name and arguments."""
    text = PAGE.split(heading)[1].split("\n\n")[1]
    return re.findall(r"^\| `(\w+)` \|(.*?)\|", text, re.M)


def test_the_clock_knows_the_documented_commands_and_no_others() -> None:
    examples: dict[str, dict[str, Any]] = {"set_speed": {"speed": 2.0, "flat_out": False}, "step": {"ticks": 3}}
    examples |= {"run_until": {"t": 60.0}, "acknowledge": {"alarm": "a1"}}
    examples["set_policy"] = {"policy": "hold"}
    examples["reset"] = {"scenario": "reference", "parameters": {}}
    for name, arguments in documented("The clock carries out:"):
        args = examples.get(name, {})
        read_command(name, args)
        assert [*args] == re.findall(r"`(\w+)`", arguments)
    with pytest.raises(ValueError, match="it knows") as caught:
        read_command("no_such", {})
    known = str(caught.value).split("it knows ")[1].split(", ")
    assert known == [name for name, _ in documented("The clock carries out:")]


def test_the_documented_commands_of_a_module_are_those_that_it_has() -> None:
    source = ast.parse((ROOT / "nodes" / "physics" / "replica" / "fold.py").read_text(encoding="utf-8"))
    (table,) = [
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PLANT_COMMANDS"
    ]
    assert {name for name, _ in documented("A plant module carries out:")} == {"set_parameters", "set_series", *table}


SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def plant() -> Iterator[dict[str, str]]:
    """A plant on free ports: documented address -> where it is instead."""
    defaults = Endpoints.from_environment({})
    documented = (defaults.clock_publish, defaults.clock_control, defaults.modules[0].publish)
    moved = {address: free_address() for address in documented}
    publish, control, states = moved.values()
    stop = threading.Event()

    def serve() -> None:
        with Publisher(publish) as clock, Publisher(states) as module, Server(control) as server:
            while not stop.is_set():
                clock.send(codec.encode_published(codec.build(Tick, sample(Tick))))
                module.send(codec.encode_published(codec.build(State, sample(State) | {"module": "m1"})))
                received = server.receive(0.005)
                if received is None:
                    continue
                request = codec.decode_clock_request(received[1])
                command_id = getattr(request, "id", "")
                server.reply(received[0], codec.encode(Sequenced(id=command_id, run="r", seq=3)))
                result = codec.build(
                    Result, sample(Result) | {"id": command_id, "outcome": "applied", "reason": "done"}
                )
                clock.send(codec.encode_published(result))

    thread = threading.Thread(target=serve)
    thread.start()
    yield moved
    stop.set()
    thread.join()


def test_the_snippets_run(plant: dict[str, str]) -> None:
    assert len(SNIPPETS) == 2
    expected = [r"[\d.]+ s [\d.]+ W", r"\{'type': 'sequenced', .*\}\napplied done \{"]
    for snippet, pattern in zip(SNIPPETS, expected, strict=True):
        script = snippet.replace("while True:", "for _ in range(3):")
        for address, moved in plant.items():
            script = script.replace(address, moved)
        assert "127.0.0.1:92" not in script
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        assert re.match(pattern, done.stdout), done.stdout
