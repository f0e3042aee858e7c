"""What the environment says: every variable is read here, so that all are read alike."""

import os
from collections.abc import Mapping
from pathlib import Path


def setting(name: str, default: str, environ: Mapping[str, str] = os.environ) -> str:
    """The value of a variable. One that is empty is not set, as in a shell's `${NAME:-default}`."""
    return environ.get(name) or default


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all that the plant keeps."""
    return Path(setting("KPP_DATA", "var", environ))


def scenario_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the scenario files."""
    return Path(setting("KPP_SCENARIOS", "scenarios", environ))
