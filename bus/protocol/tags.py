"""Entity tags: a word for some values that changes when one of them does."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

IF_MATCH: Final = "if_match"
"""Argument of `set_parameters`: tags, one of which the values in force must have when the command acts."""


def tag_of(content: Any) -> str:
    """The entity tag of some plain values, or of the bytes of a file."""
    data = content if isinstance(content, bytes) else msgspec.json.encode(content, order="sorted")
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def parameters_tag(run: str, in_force: Mapping[str, Any]) -> str:
    """The entity tag of the values in force in a run."""
    return tag_of([run, dict(in_force)])
