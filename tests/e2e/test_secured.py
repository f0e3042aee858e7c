"""The whole plant with keys and tokens: it works as before, and nobody without them sees or does anything."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import zmq
from playwright.sync_api import Browser, expect
from zmq.utils.monitor import parse_monitor_message

from bus.protocol.endpoints import Endpoints
from bus.transport.sockets import curve_pair
from tests.e2e.conftest import START_TIMEOUT, environment, get, launched
from tests.nodes.gateway.secured import ROLES, Secured, keys
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The plant as `make run` starts it after `kpp keys init`."""
    folder = tmp_path_factory.mktemp("plant")
    env, output = environment(folder), folder / "output.txt"
    where = folder / "var" / "keys"
    shown = keys(where, "init")
    tokens = {role: found[1] for role in ROLES if (found := re.search(rf"{role}\s+(kpp_\S+)", shown))}
    secured = Secured(Endpoints.from_environment(env), tokens, output, folder, env)
    with launched(folder, env):
        eventually(lambda: healthy(secured), START_TIMEOUT, "the plant is healthy")
        yield secured


def healthy(plant: Secured) -> bool:
    """Nothing is missing, and the pages that need no token answer."""
    found = plant.endpoints
    pages = [get(found.gateway_http, "/v1/health"), get(found.clock_http, "/health"), get(found.ui_http, "/health")]
    return all(page is not None and page.status_code == 200 for page in pages)


def test_commands_act_and_alarms_data_and_metrics_are_read(plant: Secured) -> None:
    base = f"{plant.endpoints.gateway_http}/v1"
    operator = plant.bearer("operator")
    begun = httpx.post(f"{base}/runs", json={"scenario": "reference"}, headers=operator, timeout=60)
    assert begun.status_code == 200, begun.text
    until = httpx.post(f"{base}/time/run-until", json={"t": 2.5}, headers=operator, timeout=60)
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


def test_the_dashboard_wants_a_token(plant: Secured) -> None:
    page = str(plant.endpoints.ui_http)
    assert httpx.get(page).status_code == 401
    for role in ("viewer", "operator"):
        assert httpx.get(page, auth=("anybody", plant.tokens[role]), timeout=60).status_code == 200


@pytest.mark.browser
def test_an_operator_alone_has_a_recording_played_back(plant: Secured, browser: Browser) -> None:
    looking = browser.new_context(http_credentials={"username": "anybody", "password": plant.tokens["viewer"]})
    page = looking.new_page()
    page.goto(f"{plant.endpoints.ui_http}/#page=runs")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.get_by_test_id(f"replay-{page.evaluate('__kpp.recorded()')}").click()
    expect(page.get_by_test_id("replay-state")).to_contain_text("needs the role operator, 'viewer' has viewer")
    looking.close()
    assert httpx.get(f"{plant.endpoints.ui_http}/ws").status_code == 401
    operator = browser.new_context(http_credentials={"username": "anybody", "password": plant.tokens["operator"]})
    page = operator.new_page()
    page.goto(f"{plant.endpoints.ui_http}/#page=runs")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    run = page.evaluate("__kpp.recorded()")
    page.get_by_test_id(f"replay-{run}").click()
    expect(page.get_by_test_id("replay-state")).to_have_text(f"Run {run} is played back.")
    there = page.get_by_test_id("replay-open").get_attribute("href") or ""
    for role, status in (("nobody", 401), ("viewer", 200), ("operator", 200)):  # the replay's own door is as narrow
        assert httpx.get(there, headers=plant.bearer(role), timeout=60).status_code == status
    page.get_by_test_id("replay-end").click()
    expect(page.get_by_test_id("replay-state")).to_contain_text("No recording is played back")
    operator.close()


def test_a_stranger_hears_nothing_on_the_bus(plant: Secured) -> None:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    socket.subscribe(b"")
    for address in plant.endpoints.publishers():
        socket.connect(address)
    assert not socket.poll(1000)
    socket.close()


def bus_ports(plant: Secured) -> set[int]:
    """Every TCP port that a process of the plant listens on and that is no web door."""
    addresses = (plant.endpoints.gateway_http, plant.endpoints.gateway_websocket, plant.endpoints.clock_http)
    doors = {address.port for address in (*addresses, plant.endpoints.ui_http)}
    pid = int((plant.folder / "var" / "supervisord.pid").read_text())
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    found = {(each.laddr.ip, each.laddr.port) for member in family for each in member.net_connections("tcp")
             if each.status == psutil.CONN_LISTEN}  # fmt: skip
    assert {ip for ip, _ in found} == {"127.0.0.1"}
    assert doors <= {port for _, port in found}
    return {port for _, port in found} - doors


def let_in(port: int, pair: tuple[str, str] | None, server: str) -> bool:
    """Does a socket of the bus let in who asks or subscribes, with a key pair or without?"""
    return any(handshake(port, kind, pair, server) == zmq.EVENT_HANDSHAKE_SUCCEEDED for kind in (zmq.DEALER, zmq.SUB))


def handshake(port: int, kind: int, pair: tuple[str, str] | None, server: str) -> int:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.linger = 0
    if pair is not None:
        socket.curve_publickey, socket.curve_secretkey = pair[0].encode(), pair[1].encode()
        socket.curve_serverkey = server.encode()
    with socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | FAILED | zmq.EVENT_DISCONNECTED) as monitor:
        socket.connect(f"tcp://127.0.0.1:{port}")
        assert monitor.poll(10_000), port
        event = int(parse_monitor_message(monitor.recv_multipart())["event"])
        socket.disable_monitor()
    socket.close()
    return event


FAILED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


def test_every_socket_of_the_bus_lets_in_only_keys_on_the_list(plant: Secured) -> None:
    folder = plant.folder / "var" / "keys"
    server, node = (json.loads((folder / f"{name}.json").read_text()) for name in ("server", "node"))
    ports = bus_ports(plant)
    assert len(ports) >= 5, "clock, module and recorder: what is published, and what answers"
    for port in ports:
        assert let_in(port, (node["public"], node["secret"]), server["public"]), port
        for stranger in (None, curve_pair()):
            assert not let_in(port, stranger, server["public"]), port


def test_supervisord_answers_its_owner_alone(plant: Secured) -> None:
    path = plant.folder / "var" / "supervisor.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_no_log_holds_a_token_or_a_secret_key(plant: Secured) -> None:
    logs = "".join(path.read_text(errors="replace") for path in Path(plant.folder / "var" / "log").glob("*.log"))
    assert len(logs) > 1000
    keyed = [(plant.folder / "var" / "keys" / f"{name}.json").read_text() for name in ("server", "node")]
    secrets = [found[1] for text in keyed if (found := re.search(r'"secret": "(.{40})"', text))]
    assert len(secrets) == 2
    assert not any(secret in logs for secret in [*secrets, *plant.tokens.values()])
