"""The version of the program."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """The version that the checkout declares; without a checkout, the one that was installed."""
    # A checkout that was updated may still have the metadata of the version that was installed from it.
    declared = Path(__file__).parents[2] / "pyproject.toml"
    if declared.is_file():
        return str(tomllib.loads(declared.read_text())["project"]["version"])
    return metadata.version("kpp-simulator")
