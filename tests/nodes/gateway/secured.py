"""A gateway with keys and tokens, and one of each role to knock with."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from bus.protocol.endpoints import Endpoints
from tests.watching import eventually

from .peer import free_environment

ROLES = ("viewer", "operator", "admin")


@dataclass
class Secured:
    """A running gateway, its tokens by role, and its log."""

    endpoints: Endpoints
    tokens: dict[str, str]
    output: Path
    folder: Path
    environment: dict[str, str]

    def bearer(self, role: str) -> dict[str, str]:
        """The header of a role; none for "nobody", a wrong one for "stranger"."""
        if role == "nobody":
            return {}
        token = self.tokens.get(role, "kpp_" + "x" * 43)
        return {"Authorization": f"Bearer {token}"}


def keys(folder: Path, *arguments: str) -> str:
    """`kpp keys`, as a user runs it."""
    command = [sys.executable, "-m", "console", "keys", "--folder", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@contextmanager
def secured(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Secured]:
    """One gateway, without a plant: what it answers then is 401 and 403, or 503 and 404 to those who may ask."""
    where = folder / "keys"
    shown = keys(where, "init")
    tokens = {role: str(re.search(rf"{role}\s+(kpp_\S+)", shown)[1]) for role in ROLES}  # type: ignore[index]  # it is there
    environment = free_environment() | {"KPP_KEYS": str(where), "KPP_DATA": str(folder)} | dict(more)
    endpoints = Endpoints.from_environment(environment)
    output = folder / "output.txt"
    with output.open("wb") as file:
        command = [sys.executable, "-m", "nodes.gateway"]
        process = subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=file)
    try:
        eventually(lambda: answers(endpoints), 30, "the gateway answers")
        yield Secured(endpoints, tokens, output, folder, environment)
    finally:
        process.terminate()
        process.wait(60)


def answers(endpoints: Endpoints) -> bool:
    """Does it answer at all?"""
    try:
        return bool(httpx.get(f"{endpoints.gateway_http}/v1/health").status_code)
    except httpx.TransportError:
        return False
