"""A stranger that knows nothing but the description of the REST interface finds no fault with the real plant."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bus.protocol.endpoints import Endpoints
from tests.e2e.conftest import START_TIMEOUT, environment, get, healthy, launched
from tests.nodes.gateway.secured import ROLES, keys
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

EXAMPLES = os.environ.get("KPP_SCHEMA_EXAMPLES", "3")
"""Requests of each operation beside those that the description itself suggests; `make fuzz` sends more."""

ENDLESS = "/v1/stream"


def findings(folder: Path, address: object, *options: str) -> str:
    """What schemathesis says with all its checks in all its phases; "" if it finds nothing."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/v1/openapi.json"]
    command += ["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--exclude-path", ENDLESS]
    command += ["--max-examples", EXAMPLES, "--request-timeout", "60", "--seed", "1", "--no-color", *options]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    sound = run.returncode == 0 and found is not None and found[1] == found[2]
    return "" if sound else run.stdout[-20_000:] + run.stderr[-2_000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plant has its files."""
    return tmp_path_factory.mktemp("described")


def test_no_check_finds_anything_at_the_open_plant(folder: Path) -> None:
    env = environment(folder)
    endpoints = Endpoints.from_environment(env)
    with launched(folder, env):
        eventually(lambda: healthy(endpoints), START_TIMEOUT, "the plant is healthy")
        assert findings(folder, endpoints.gateway_http) == ""
        eventually(lambda: healthy(endpoints), START_TIMEOUT, "the plant is healthy afterwards")


def test_no_check_finds_anything_with_tokens(folder: Path) -> None:
    env = environment(folder)
    endpoints = Endpoints.from_environment(env)
    shown = keys(folder / "var" / "keys", "init")
    tokens = {role: found[1] for role in ROLES if (found := re.search(rf"{role}\s+(kpp_\S+)", shown))}
    with launched(folder, env):
        eventually(lambda: public(endpoints), START_TIMEOUT, "the plant is healthy")
        for role in ("admin", "viewer"):  # who may do everything, and who is refused most
            token = f"Authorization: Bearer {tokens[role]}"
            assert findings(folder, endpoints.gateway_http, "--header", token) == "", role
        eventually(lambda: public(endpoints), START_TIMEOUT, "the plant is healthy afterwards")


def public(endpoints: Endpoints) -> bool:
    """Nothing is missing, as the page says that needs no token."""
    page = get(endpoints.gateway_http, "/v1/health")
    return page is not None and page.status_code == 200
