"""Old wire bytes still mean what they meant."""

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.schema import PROTOCOL_VERSION
from tests.bus.catalogue import WIRE
from tests.golden.regenerate import FOLDER

MESSAGES = {cls.__name__: cls for cls in WIRE}
FRAMES = sorted(FOLDER.glob("*.msgpack"))


def known(expected: Any, decoded: Any) -> Any:
    """What was decoded, without the fields that are newer than the golden file."""
    if isinstance(expected, dict) and isinstance(decoded, dict):
        return {name: known(expected[name], value) for name, value in decoded.items() if name in expected}
    if isinstance(expected, list) and isinstance(decoded, list) and len(expected) == len(decoded):
        return [known(*pair) for pair in zip(expected, decoded, strict=True)]
    return decoded


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_old_bytes_decode_to_the_same_values(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    message = codec.decode(path.read_bytes(), MESSAGES[path.stem])
    assert known(expected, msgspec.to_builtins(message)) == expected


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_todays_bytes_are_read_by_an_old_reader(path: Path) -> None:
    """No field has gone, none has changed its name or kind."""
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    written = msgpack.unpackb(codec.encode(codec.decode(path.read_bytes(), MESSAGES[path.stem])))
    assert known(expected, written) == expected


def test_every_message_has_its_golden_bytes() -> None:
    missing = {cls.__name__ for cls in WIRE} - {path.stem for path in FRAMES}
    assert not missing, "run `python -m tests.golden.regenerate` and commit what it writes"


def test_every_golden_file_has_its_message() -> None:
    gone = {path.stem for path in FRAMES} - set(MESSAGES)
    assert not gone, f"version {PROTOCOL_VERSION} promises these messages: a message goes only with a new version"
