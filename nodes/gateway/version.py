"""Which version of the program this is."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """The version that the checkout declares, or that was installed."""
    declared = Path(__file__).parents[2] / "pyproject.toml"
    if declared.is_file():
        return str(tomllib.loads(declared.read_text())["project"]["version"])
    return metadata.version("kpp-simulator")
