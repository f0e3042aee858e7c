"""Entity tags (RFC 9110, 8.8.3): a word for some values that changes whenever one of them does."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

IF_MATCH: Final = "if_match"
"""Argument of `set_parameters`: tags, one of which the values in force must have when the command acts."""


def tag_of(content: Any) -> str:
    """The entity tag of plain values, or of the bytes of a file; with the quotes that HTTP wants around it."""
    # Sorted, since the tag must not depend on the order in which a map was filled.
    data = content if isinstance(content, bytes) else msgspec.json.encode(content, order="sorted")
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def parameters_tag(run: str, in_force: Mapping[str, Any]) -> str:
    """The entity tag of the parameters in force in a run."""
    # With the run: the same values in a later run are not what the client has seen.
    return tag_of([run, dict(in_force)])
