"""Environment variables: each is read by way of `setting`, so that all of them are read alike."""

import os
from collections.abc import Mapping
from pathlib import Path


def setting(name: str, default: str, environ: Mapping[str, str] = os.environ) -> str:
    """The value of a variable, or the default where it is not set or empty, as in a shell's `${NAME:-default}`."""
    return environ.get(name) or default


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything that the plant keeps (KPP_DATA)."""
    return Path(setting("KPP_DATA", "var", environ))


def scenario_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the scenario files (KPP_SCENARIOS)."""
    return Path(setting("KPP_SCENARIOS", "scenarios", environ))
