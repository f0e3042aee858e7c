"""Write protocol.md, schemas/, asyncapi.json and openapi.json of docs/ from the declarations, or check them.

Usage: python docs/generate.py [--check]
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import msgspec.inspect as mi

import bus.protocol.state
from bus.protocol.codec import MAX_REQUEST, MAX_TELEMETRY
from bus.protocol.documents import without_infinity
from bus.protocol.endpoints import DEFAULT_MODULES, Endpoints
from bus.protocol.messages import (
    PUBLISHED,
    ClockReply,
    ClockRequest,
    ModuleReply,
    ModuleRequest,
    RecorderReply,
    RecorderRequest,
)
from bus.protocol.schema import FINITE, MAX_ITEMS, MAX_LABEL, MAX_TEXT, PROTOCOL_VERSION, Message
from nodes.clock.clock_commands import STEP_TICKS_MAX
from nodes.clock.pace import SPEED_MAX, SPEED_MIN
from nodes.gateway import asyncapi, rest

FOLDER = Path(__file__).resolve().parent

NOTHING_FOLLOWS = r"(?![\s\S])"
"""How our patterns end; for readers it goes without saying."""


def main() -> int:
    """Write the files, or name those that differ; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that are stale")
    check: bool = parser.parse_args().check
    if check:
        stale = [path.relative_to(FOLDER.parent) for path in stale_files(FOLDER)]
        sys.stdout.writelines(f"stale: {path}: run `python docs/generate.py`\n" for path in stale)
        return 1 if stale else 0
    (FOLDER / "schemas").mkdir(exist_ok=True)
    files = documents()
    for path in stale_files(FOLDER):
        name = path.relative_to(FOLDER).as_posix()
        if name in files:
            path.write_text(files[name], encoding="utf-8")
        else:
            path.unlink()
    return 0


def stale_files(folder: Path) -> list[Path]:
    """Files that are not what they would be if written now: different, missing or no longer generated."""
    files = documents()
    wanted = {folder / name: text for name, text in files.items()}
    different = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return different + [path for path in sorted((folder / "schemas").glob("*.json")) if path not in wanted]


def documents() -> dict[str, str]:
    """Every generated file: its path in docs/ and its text."""
    template = (FOLDER / "protocol.template.md").read_text(encoding="utf-8")
    files = {"protocol.md": filled(template)}
    for cls in wire():
        files[f"schemas/{cls.__name__}.json"] = json.dumps(json_schema(cls), indent=2, ensure_ascii=False) + "\n"
    for name, description in (("asyncapi.json", asyncapi.document()), ("openapi.json", rest.description())):
        files[name] = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
    return files


# What is declared


def wire() -> list[type[Message]]:
    """Every message that travels on its own."""
    unions = (ClockRequest, ClockReply, ModuleRequest, ModuleReply, RecorderRequest, RecorderReply)
    return list(dict.fromkeys([*PUBLISHED, *(cls for union in unions for cls in members(union))]))


def members(union: Any) -> tuple[type[Message], ...]:
    """The classes of a union, or the one class."""
    return get_args(union) or (union,)


def inside(kind: mi.Type) -> Iterator[type[Any]]:
    """Classes that a type is made of, in order of their appearance."""
    match kind:
        case mi.Metadata():
            yield from inside(kind.type)
        case mi.StructType():
            yield kind.cls
            for field in kind.fields:
                yield from inside(field.type)
        case mi.UnionType():
            for each in kind.types:
                yield from inside(each)
        case mi.ListType():
            yield from inside(kind.item_type)
        case mi.DictType():
            yield from inside(kind.value_type)
        case _:
            pass


# The page


def filled(template: str) -> str:
    """The template with every {{name}} replaced."""
    endpoints = Endpoints.from_environment({})
    groups = [
        cls
        for cls in vars(bus.protocol.state).values()
        if is_message(cls) and cls.__module__ == bus.protocol.state.__name__
    ]
    shown = {*wire(), *groups}
    parts = [
        cls for cls in dict.fromkeys(each for top in wire() for each in inside(mi.type_info(top))) if cls not in shown
    ]
    values = {
        "version": str(PROTOCOL_VERSION),
        "modules": DEFAULT_MODULES,
        "module_publish": endpoints.modules[0].publish,
        "clock_publish": endpoints.clock_publish,
        "clock_control": endpoints.clock_control,
        "max_telemetry": str(MAX_TELEMETRY),
        "max_request": str(MAX_REQUEST),
        "max_label": str(MAX_LABEL),
        "max_text": str(MAX_TEXT),
        "max_items": str(MAX_ITEMS),
        "step_limits": f"1 to {STEP_TICKS_MAX}",
        "speed_limits": f"{SPEED_MIN:g} to {SPEED_MAX:g}",
        "sockets": sockets(endpoints),
        "topics": topics(),
        "published": sections(PUBLISHED),
        "groups": sections(groups),
        "clock_requests": sections(members(ClockRequest), "####"),
        "clock_replies": sections(members(ClockReply), "####"),
        "module_requests": sections(
            (cls for cls in members(ModuleRequest) if cls not in members(ClockRequest)), "####"
        ),
        "recorder_requests": sections(members(RecorderRequest), "####"),
        "recorder_replies": sections((cls for cls in members(RecorderReply) if cls not in members(ClockReply)), "####"),
        "module_replies": sections((cls for cls in members(ModuleReply) if cls not in members(ClockReply)), "####"),
        "parts": sections(parts, "####"),
    }
    for name, text in values.items():
        template = template.replace(f"{{{{{name}}}}}", text)
    if "{{" in template:
        raise ValueError(f"protocol.template.md has an unknown name at {template[template.index('{{') :][:40]!r}")
    return template


def is_message(value: Any) -> bool:
    """True for message classes."""
    return isinstance(value, type) and issubclass(value, Message)


def sockets(endpoints: Endpoints) -> str:
    """The table of addresses."""
    module = endpoints.modules[0]
    return table(
        ("node", "socket", "default address", "variable", "carries"),
        [
            ("clock", "PUB", endpoints.clock_publish, "`KPP_CLOCK_PUBLISH`", "ticks, status, results of the clock"),
            ("clock", "ROUTER", endpoints.clock_control, "`KPP_CLOCK_CONTROL`", "commands, replay, acknowledgements"),
            ("clock", "HTTP", str(endpoints.clock_http), "`KPP_CLOCK_HTTP`", "health page"),
            ("physics", "PUB", module.publish, "`KPP_PHYSICS_PUBLISH`", "states, events, results of the module"),
            ("physics", "ROUTER", module.snapshot, "`KPP_PHYSICS_SNAPSHOT`", "newest state and parameters"),
            ("gateway", "HTTP", str(endpoints.gateway_http), "`KPP_GATEWAY_HTTP`", "REST"),
            ("gateway", "HTTP", str(endpoints.gateway_websocket), "`KPP_GATEWAY_WEBSOCKET`", "WebSocket stream"),
            ("recorder", "ROUTER", endpoints.recorder, "`KPP_RECORDER`", "history of recorded runs"),
            ("ui", "HTTP", str(endpoints.ui_http), "`KPP_UI_HTTP`", "dashboard"),
        ],
    )


def topics() -> str:
    """The table of topics."""
    rows = []
    for cls in PUBLISHED:
        fields = {field.name for field in msgspec.structs.fields(cls)}
        topic = f"{cls.TOPIC}<module>/" if cls.TOPIC.endswith("/") and cls.TOPIC != "result/" else cls.TOPIC
        publisher = "clock and physics" if cls.TOPIC == "result/" else "physics" if "module" in fields else "clock"
        rows.append((f"`{topic}`", link(cls), publisher, summary(cls)))
    return table(("topic", "message", "published by", "is"), rows)


def sections(classes: Iterable[type[Any]], level: str = "###") -> str:
    """A heading, the summary and the field table of each class."""
    return "\n\n".join(section(cls, level) for cls in classes)


def section(cls: type[Any], level: str) -> str:
    """One message or group."""
    kind = mi.type_info(cls)
    if not isinstance(kind, mi.StructType):
        raise TypeError(f"{cls.__name__} is no message")
    rows = [] if kind.tag is None else [(f"`{kind.tag_field}`", f'"{kind.tag}"', "", "which message this is", "")]
    for field in kind.fields:
        unit, meaning = explained(field.type)
        rows.append((f"`{field.encode_name}`", sort(field.type), unit, meaning, limits(field.type)))
    schema = f" [JSON Schema](schemas/{cls.__name__}.json)." if cls in wire() else ""
    head = f"{level} {cls.__name__}\n\n{summary(cls)}"
    return f"{head}{schema}\n\n{table(('name', 'type', 'unit', 'meaning', 'limits'), rows)}"


def explained(kind: mi.Type) -> tuple[str, str]:
    """Unit and meaning of a field; a group is explained by its class."""
    if isinstance(kind, mi.Metadata):
        extra = kind.extra_json_schema or {}
        return extra.get("unit", ""), extra["description"]
    if isinstance(kind, mi.StructType):
        return "", summary(kind.cls)
    raise TypeError(f"a field without a meaning: {kind}")


_WORDS: dict[type[mi.Type], str] = {
    mi.BoolType: "flag",
    mi.NoneType: "null",
    mi.IntType: "integer",
    mi.FloatType: "number",
    mi.StrType: "text",
}


def sort(kind: mi.Type) -> str:
    """A type in words."""
    words = _WORDS.get(type(kind), "")
    match kind:
        case mi.Metadata():
            words = sort(kind.type)
        case mi.StructType():
            words = link(kind.cls)
        case mi.UnionType():
            free = any(isinstance(each, mi.DictType | mi.ListType) for each in kind.types)
            words = "value" if free else " or ".join(map(sort, kind.types))
        case mi.ListType():
            words = f"list of {sort(kind.item_type)}"
        case mi.DictType():
            words = f"map of {sort(kind.value_type)}"
        case mi.LiteralType():
            words = " or ".join(f'"{value}"' for value in kind.values)
        case _:
            pass
    if not words:
        raise TypeError(f"a new kind of field needs words: {kind}")
    return words


def limits(kind: mi.Type) -> str:
    """The limits of a type in words; that numbers are finite and free values plain is said once, above."""
    match kind:
        case mi.Metadata():
            words = limits(kind.type)
        case mi.UnionType():
            words = "; ".join(filter(None, map(limits, kind.types)))
        case mi.ListType() | mi.DictType():
            words = f"at most {kind.max_length} items"
        case mi.StrType(pattern=str() as pattern):
            words = f"`{pattern.removeprefix('^').removesuffix(NOTHING_FOLLOWS)}`"
        case mi.StrType():
            least = f"{kind.min_length} to " if kind.min_length else "at most "
            words = f"{least}{kind.max_length} characters"
        case mi.IntType() | mi.FloatType():
            signs = ((">", kind.gt), (">=", kind.ge), ("<", kind.lt), ("<=", kind.le))
            words = ", ".join(f"{sign} {limit:g}" for sign, limit in signs if limit is not None and abs(limit) < FINITE)
        case _:
            words = ""
    return words


def summary(cls: type[Any]) -> str:
    """First paragraph of the docstring, on one line."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def link(cls: type[Any]) -> str:
    """A link to the section of a class on this page."""
    return f"[{cls.__name__}](#{cls.__name__.lower()})"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# The schemas


def json_schema(cls: type[Message]) -> dict[str, Any]:
    """JSON Schema of a message's payload, with the unit of every number as `unit`."""
    schema = msgspec.json.schema(cls)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": cls.__name__,
        "version": PROTOCOL_VERSION,
        **without_infinity(schema),
    }


if __name__ == "__main__":
    sys.exit(main())
