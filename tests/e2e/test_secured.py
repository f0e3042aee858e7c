"""The whole plant with keys and tokens: it works as before, and nobody without them sees or does anything."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zmq

from bus.endpoints import Endpoints
from tests.e2e.conftest import START_TIMEOUT, configuration, environment, launch
from tests.nodes.gateway.secured import ROLES, Secured, keys
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The plant as `make run` starts it after `kpp keys init`."""
    folder = tmp_path_factory.mktemp("plant")
    config, env, output = configuration(folder), environment(folder), folder / "output.txt"
    where = folder / "var" / "keys"
    shown = keys(where, "init")
    tokens = {role: found[1] for role in ROLES if (found := re.search(rf"{role}\s+(kpp_\S+)", shown))}
    process = launch(config, env, output)
    secured = Secured(Endpoints.from_environment(env), tokens, output, folder, env)
    try:
        eventually(lambda: healthy(secured), START_TIMEOUT, "the plant is healthy")
        yield secured
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def healthy(plant: Secured) -> bool:
    try:
        return httpx.get(f"{plant.endpoints.gateway_http}/v1/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_commands_act_and_alarms_data_and_metrics_are_read(plant: Secured) -> None:
    base = f"{plant.endpoints.gateway_http}/v1"
    operator = plant.bearer("operator")
    begun = httpx.post(f"{base}/runs", json={"scenario": "reference"}, headers=operator, timeout=20)
    assert begun.status_code == 200, begun.text
    until = httpx.post(f"{base}/time/run-until", json={"t": 2.5}, headers=operator, timeout=20)
    assert until.json()["applied"] == {"mode": "running", "until": 2.5}
    viewer = plant.bearer("viewer")

    def paused() -> bool:
        told = httpx.get(f"{base}/time", headers=viewer).json()
        return bool(told["mode"] == "paused" and told["simulated_time"] == 2.5)

    eventually(paused, 20, "the run has paused exactly there")
    assert httpx.get(f"{base}/data/losses", headers=viewer).json()["t"] == 2.5
    audit = httpx.get(f"{base}/commands", headers=plant.bearer("admin")).json()["commands"]
    assert {"gateway:operator"} == {entry["origin"] for entry in audit if entry["name"] in {"start", "run_until"}}
    for address in (plant.endpoints.gateway_http, plant.endpoints.clock_http, plant.endpoints.ui_http):
        assert httpx.get(f"{address}/metrics").status_code == 401
        assert "kpp_" in httpx.get(f"{address}/metrics", headers=viewer).text


def test_the_dashboard_wants_an_operator(plant: Secured) -> None:
    page = str(plant.endpoints.ui_http)
    assert httpx.get(page).status_code == 401
    assert httpx.get(page, auth=("anybody", plant.tokens["viewer"])).status_code == 403
    assert httpx.get(page, auth=("anybody", plant.tokens["operator"]), timeout=20).status_code == 200


def test_a_stranger_hears_nothing_on_the_bus(plant: Secured) -> None:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    socket.subscribe(b"")
    for address in plant.endpoints.publishers():
        socket.connect(address)
    assert not socket.poll(1000)
    socket.close()


def test_no_log_holds_a_token_or_a_secret_key(plant: Secured) -> None:
    logs = "".join(path.read_text(errors="replace") for path in Path(plant.folder / "var" / "log").glob("*.log"))
    assert len(logs) > 1000
    keyed = [(plant.folder / "var" / "keys" / f"{name}.json").read_text() for name in ("server", "node")]
    secrets = [found[1] for text in keyed if (found := re.search(r'"secret": "(.{40})"', text))]
    assert len(secrets) == 2
    assert not any(secret in logs for secret in [*secrets, *plant.tokens.values()])
