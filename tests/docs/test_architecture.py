"""The page about the architecture is true: who sends what to whom, and each step of a walk leads to the next."""

import ast
import configparser
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp
import pytest

from bus.protocol.messages import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROCESSES = {
    "clock": "nodes.clock",
    "physics": "nodes.physics",
    "gateway": "nodes.gateway",
    "recorder": "nodes.recorder",
    "ui": "ui",
}
MESSAGES = "bus.protocol.messages"


@dataclass
class Section:
    """A part of a walk within one process.

    Attributes:
        title: how it is reached, such as "Over the bus as `Tick`, into a plant module".
        files: its steps.
    """

    title: str
    files: list[str]

    @property
    def carried(self) -> str:
        """What leads here from the section before: a message, a word of the wire, or the file that both rely on."""
        return str(re.findall(r"`([^`]+)`", self.title)[0])


def walks() -> dict[str, list[Section]]:
    """Each walk of the page."""
    found: dict[str, list[Section]] = {}
    for title, body in re.findall(r"^## (An? .+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL):
        parts = re.findall(r"^\*\*(.+?)\*\*.*?:\n(.*?)(?=^\*\*|\Z)", body, re.MULTILINE | re.DOTALL)
        found[title] = [Section(head, re.findall(r"^\d+\. `([^`]+)`: \S", text, re.MULTILINE)) for head, text in parts]
    return found


WALKS = walks()
STEPS = [(walk, *place) for walk, sections in WALKS.items() for place in enumerate(sections)]


@cache
def imports() -> grimp.ImportGraph:
    """Who imports whom in the product."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    return grimp.build_graph(*packages, cache_dir=None)


def module_of(file: str) -> str:
    """Name under which a Python file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports_directly(file: str, other: str) -> bool:
    """True if one file imports another one by name; those of the page import by path."""
    if file.endswith(".py"):
        return module_of(other) in imports().find_modules_directly_imported_by(module_of(file))
    path = ROOT / file
    named = re.findall(r"""^(?:import|export) .*?["'](\.[^"']+)["']""", path.read_text(), re.MULTILINE | re.DOTALL)
    return (ROOT / other).resolve() in {(path.parent / each).resolve() for each in named}


def linked(file: str, other: str) -> bool:
    """True if one of two files imports the other."""
    alike = Path(file).suffix == Path(other).suffix
    return alike and (imports_directly(file, other) or imports_directly(other, file))


def names(file: str, word: str) -> bool:
    """True if a file relies on what carries from one process to the next.

    A class is used as a name, a file is imported (or, from JavaScript, said to be followed), any other word is written.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    if word.endswith(".py"):
        return word == file or (imports_directly(file, word) if file.endswith(".py") else word in text)
    if word[0].isupper() and file.endswith(".py"):
        return word in used(text)
    return word.lower() in text.lower()


def used(text: str) -> set[str]:
    """Names that Python code uses."""
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def test_the_three_walks_are_there() -> None:
    assert [*WALKS] == ["A tick to a pixel", "A button to the audit log", "A frame to a CSV"]
    for sections in WALKS.values():
        assert sum(len(section.files) for section in sections) >= 15
    numbered = re.findall(r"^\d+\. ", PAGE, re.MULTILINE)
    assert len(numbered) == sum(len(section.files) for _walk, _place, section in STEPS), "a step that is not understood"


@pytest.mark.parametrize("walk", WALKS)
def test_the_steps_of_a_walk_are_numbered_in_order(walk: str) -> None:
    body = PAGE[PAGE.index(f"## {walk}\n") :].split("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", body, re.MULTILINE)]
    assert numbers == [*range(1, len(numbers) + 1)]


@pytest.mark.parametrize(("walk", "place", "section"), STEPS)
def test_each_step_of_a_process_is_reached_from_one_before(walk: str, place: int, section: Section) -> None:
    for index, file in enumerate(section.files):
        assert (ROOT / file).is_file(), f"{walk}: {file} has moved: tell docs/architecture.md"
        if index:
            before = section.files[:index][::-1]
            assert any(linked(file, other) for other in before), f"{walk}: nothing of {before} leads to {file}"


@pytest.mark.parametrize(("walk", "place", "section"), [step for step in STEPS if step[1] > 0])
def test_processes_are_joined_by_what_both_sides_name(walk: str, place: int, section: Section) -> None:
    for side in (WALKS[walk][place - 1], section):
        assert any(names(file, section.carried) for file in side.files), (
            f"{walk}: {side.files} without {section.carried}"
        )


# The picture


def arrows() -> list[tuple[str, str, str]]:
    """Sender, message and receiver of each arrow."""
    found = []
    (picture,) = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    for senders, messages, receivers in re.findall(r"^ +([\w &]+) -- ([\w, ]+) --> ([\w &]+)$", picture, re.MULTILINE):
        found += [
            (sender.strip(), message.strip(), receiver.strip())
            for sender in senders.split("&")
            for message in messages.split(",")
            for receiver in receivers.split("&")
        ]
    return found


@cache
def spoken(process: str) -> frozenset[str]:
    """Names used in a process, and in what it has from the rooms below to speak for it."""
    graph = imports()
    own = {PROCESSES[process], *graph.find_descendants(PROCESSES[process])}
    below = {other for module in own for other in graph.find_modules_directly_imported_by(module)}
    speakers = own | {module for module in below if module.split(".")[0] in {"bus", "runtime"} and module != MESSAGES}
    found: set[str] = set()
    for module in speakers:
        path = ROOT / module.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        found |= used(file.read_text(encoding="utf-8"))
    return frozenset(found)


def test_the_picture_has_every_process_and_every_published_message() -> None:
    drawn = arrows()
    assert {name for sender, _message, receiver in drawn for name in (sender, receiver)} == set(PROCESSES)
    assert {message for _sender, message, _receiver in drawn} >= {cls.__name__ for cls in PUBLISHED}


def programs() -> set[str]:
    """Packages that supervisord.conf runs, but for what looks after the others."""
    config = configparser.RawConfigParser()
    config.read(ROOT / "supervisord.conf")
    started = [section["command"] for section in config.values() if "command" in section]
    return {re.findall(r" -m ([\w.]+)", command)[0] for command in started}


def test_the_picture_has_every_program() -> None:
    assert {name for name in programs() if not name.startswith("nodes.supervision")} == {*PROCESSES.values()}


def test_every_program_stands_in_the_map_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| \w+ \| `python -m ([\w.]+)` \|", readme, re.MULTILINE))
    assert told | {"nodes.supervision.addresses"} == programs()  # which ends once everything is up


@pytest.mark.parametrize(("sender", "message", "receiver"), arrows())
def test_each_arrow_is_a_message_that_both_ends_know(sender: str, message: str, receiver: str) -> None:
    assert message in spoken(sender)
    assert message in spoken(receiver)
