"""Who is let in at the gateway: the role matrix of every route, tokens on the WebSocket, no secrets in the log."""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bus.security.admission import Admission
from bus.security.hosts import Refusal
from bus.security.tokens import PATTERN, Role
from nodes.gateway.access import EXTENSION
from nodes.gateway.rest import description
from nodes.gateway.session import JSON
from tests.watching import eventually

from .peer import free_environment
from .secured import ROLES, Secured, keys, secured

OPERATIONS = [
    (method.upper(), path, Role.named(operation[EXTENSION]))
    for path, operations in description()["paths"].items()
    for method, operation in operations.items()
]
HOLDERS = {"nobody": Role.PUBLIC, "stranger": Role.PUBLIC} | {role: Role.named(role) for role in ROLES}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One secured gateway for these tests."""
    with secured(tmp_path_factory.mktemp("secured")) as found:
        yield found


def expected(role: str, needed: Role) -> set[int]:
    """The refusal that a role gets for what needs another one; empty if it is let in."""
    if role == "stranger" and needed > Role.PUBLIC:
        return {401, 429}  # whoever guesses is soon slowed down
    if HOLDERS[role] >= needed:
        return set()
    return {401} if role == "nobody" else {403}


def test_every_route_has_a_role_and_commands_need_an_operator() -> None:
    assert len(OPERATIONS) > 60
    for method, path, needed in OPERATIONS:
        if method != "GET" and "validate" not in path:
            assert needed >= Role.OPERATOR, (method, path)
    assert {path for _, path, needed in OPERATIONS if needed == Role.PUBLIC} == {"/health", "/v1/health"}


def test_the_role_matrix(gateway: Secured) -> None:
    async def ask(client: httpx.AsyncClient, method: str, path: str, role: str) -> int:
        url = path.replace("{", "").replace("}", "")
        async with client.stream(method, url, headers=gateway.bearer(role)) as answer:
            return answer.status_code

    async def script() -> dict[tuple[str, str, str], int]:
        async with httpx.AsyncClient(base_url=str(gateway.endpoints.gateway_http), timeout=60) as client:
            found = {}
            for role in (*ROLES, "nobody", "stranger"):
                for method, path, needed in OPERATIONS:
                    if expected(role, needed) or method == "GET":  # a command that is let in waits for a clock
                        found[method, path, role] = await ask(client, method, path, role)
            return found

    roles = {(method, path): needed for method, path, needed in OPERATIONS}
    for (method, path, role), status in asyncio.run(script()).items():
        refusals = expected(role, roles[method, path])
        if refusals:
            assert status in refusals, (method, path, role, status)
        else:
            assert status not in {401, 403, 429}, (method, path, role, status)


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("PUT", "/v1/health", {"nobody": 405, "viewer": 405}),
        ("PATCH", "/v1/time", {"nobody": 401, "viewer": 405}),
        ("POST", "/v1/presets/deep", {"nobody": 401, "viewer": 405}),
        ("POST", "/v1/nothing", {"nobody": 401, "viewer": 403, "operator": 404}),
        ("DELETE", "/v1/commands", {"nobody": 401, "operator": 403, "admin": 405}),
    ],
)
def test_who_may_use_a_path_is_told_which_methods_it_has(
    gateway: Secured, method: str, path: str, told: dict[str, int]
) -> None:
    for role, status in told.items():
        answer = httpx.request(method, f"{gateway.endpoints.gateway_http}{path}", headers=gateway.bearer(role))
        assert answer.status_code == status, (role, answer.text)
        assert ("allow" in answer.headers) == (status == 405)


def operators_command(gateway: Secured, role: str) -> int:
    body = {"ticks": 0}  # wrong, so that it is judged without a clock
    url = f"{gateway.endpoints.gateway_http}/v1/time/step"
    return httpx.post(url, json=body, headers=gateway.bearer(role)).status_code


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Another one, at which nobody has guessed yet."""
    with secured(tmp_path_factory.mktemp("fresh")) as found:
        yield found


def test_an_operator_commands_and_a_viewer_does_not(fresh: Secured) -> None:
    assert operators_command(fresh, "viewer") == 403
    assert operators_command(fresh, "operator") == 422
    assert operators_command(fresh, "admin") == 422
    refused = httpx.get(f"{fresh.endpoints.gateway_http}/v1/status")
    assert refused.headers["www-authenticate"] == 'Bearer realm="kpp"'
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert refused.headers["content-security-policy"].startswith("default-src 'none'")


def test_who_commands_too_fast_is_told_when_to_go_on(fresh: Secured) -> None:
    url = f"{fresh.endpoints.gateway_http}/v1/time/step"
    with httpx.Client(headers=fresh.bearer("admin")) as client:
        for _ in range(1000):
            answer = client.post(url, json={"ticks": 0})
            if answer.status_code == 429:
                break
            assert answer.status_code == 422
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert (
            client.get(f"{fresh.endpoints.gateway_http}/v1/status").status_code == 200
        )  # reading has a rate of its own
    assert operators_command(fresh, "operator") == 422  # and so has everybody else


def test_s03_wrong_tokens_lock_nobody_out(gateway: Secured) -> None:
    base = str(gateway.endpoints.gateway_http)
    stranger = gateway.bearer("stranger")
    answers = [httpx.get(f"{base}/v1/status", headers=stranger) for _ in range(14)]
    assert {answer.status_code for answer in answers} <= {401, 429}
    told = answers[-1]
    assert f"in {told.headers['retry-after']} s" in told.json()["detail"]
    assert httpx.get(f"{base}/v1/status", headers=gateway.bearer("viewer")).status_code == 200
    for headers in ({}, stranger):
        assert httpx.get(f"{base}/v1/health", headers=headers).status_code in {200, 503}
    assert operators_command(gateway, "operator") == 422
    with stream(gateway, additional_headers=gateway.bearer("operator")) as client:
        assert first(client)["role"] == "operator"
    with pytest.raises(InvalidStatus) as refused, stream(gateway, additional_headers=stranger):
        pass
    assert refused.value.response.status_code in {401, 429}


def test_f08_addresses_behind_a_trusted_proxy_are_told_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    more = {"KPP_TRUSTED_PROXIES": "127.0.0.1"}
    with secured(tmp_path_factory.mktemp("proxied"), more) as proxied:
        url = f"{proxied.endpoints.gateway_http}/v1/status"

        def guess(address: str) -> int:
            headers = proxied.bearer("stranger") | {"X-Forwarded-For": address}
            return httpx.get(url, headers=headers).status_code

        assert [guess("198.51.100.7") for _ in range(6)] == [401] * 5 + [429]
        assert guess("198.51.100.8") == 401


def test_a_header_does_not_change_what_is_authorised(fresh: Secured) -> None:
    headers = fresh.bearer("viewer") | {"X-Original-URL": "/v1/health", "X-HTTP-Method-Override": "GET"}
    url = str(fresh.endpoints.gateway_http)
    assert httpx.post(f"{url}/v1/time/start", headers=headers).status_code == 403
    assert httpx.get(f"{url}/v1/commands?x=/v1/health", headers=headers).status_code == 403
    assert httpx.get(f"{url}/v1/health/../commands", headers=headers).status_code in {403, 404}


def stream(gateway: Secured, *names: str, **more: Any) -> ClientConnection:
    address = gateway.endpoints.gateway_websocket
    protocols = [Subprotocol(name) for name in names] or None
    found: ClientConnection = connect(
        f"ws://{address.host}:{address.port}/ws", subprotocols=protocols, compression=None, **more
    )
    return found


def first(client: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.recv(60))
    return found


def test_a_token_is_shown_as_subprotocol_header_or_first_message(fresh: Secured) -> None:
    token = fresh.tokens["viewer"]
    with stream(fresh, JSON, f"kpp.token.{token}") as client:
        assert client.subprotocol == JSON
        assert first(client) == {"type": "authenticated", "name": "viewer", "role": "viewer"}
        client.send('{"type":"command","module":"clock","name":"start"}')
        while (answer := first(client))["type"] != "problem":
            continue
        assert answer["problem"]["status"] == 403
    with stream(fresh, additional_headers=fresh.bearer("operator")) as client:
        assert first(client)["role"] == "operator"
    with stream(fresh) as client:
        client.send(json.dumps({"type": "auth", "token": fresh.tokens["admin"]}))
        assert first(client)["role"] == "admin"


def test_s05_the_websocket_takes_the_role_that_rest_takes(fresh: Secured) -> None:
    command = {"type": "command", "module": "clock", "name": "set_policy", "args": {"policy": "stop"}, "id": "p"}
    told = {}
    for role in ("operator", "admin"):
        with stream(fresh, additional_headers=fresh.bearer(role)) as client:
            client.send(json.dumps(command))
            while (answer := first(client))["type"] != "problem":
                continue
            told[role] = (answer["problem"]["status"], answer["problem"]["detail"])
    assert told["operator"] == (403, "set_policy needs the role admin, 'operator' has operator")
    assert told["admin"][0] == 503, "there is no clock"
    url = f"{fresh.endpoints.gateway_http}/v1/time/policy"
    assert httpx.post(url, json={"policy": "stop"}, headers=fresh.bearer("operator")).status_code == 403


@pytest.mark.parametrize("message", [None, '{"type":"rate","rate":5}', '{"type":"auth","token":"wrong"}', "garbage"])
def test_without_a_token_nothing_is_streamed(fresh: Secured, message: str | None) -> None:
    with stream(fresh) as client:
        if message is not None:
            client.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_a_wrong_token_is_refused_in_the_handshake_and_in_no_url(fresh: Secured) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(fresh, JSON, "kpp.token.wrong"):
        pass
    assert refused.value.response.status_code == 401
    url = f"{fresh.endpoints.gateway_http}/v1/status?token={fresh.tokens['admin']}"
    assert httpx.get(url).status_code == 401


def test_nothing_secret_is_ever_logged(fresh: Secured) -> None:
    token = fresh.tokens["admin"]
    base = f"{fresh.endpoints.gateway_http}"
    for path in (f"/v1/{token}", f"/v1/presets/{token}", f"/v1/status?token={token}", f"/v1/data/live?module={token}"):
        httpx.get(f"{base}{path}", headers=fresh.bearer("admin"))
    httpx.post(f"{base}/v1/time/step", content=token.encode(), headers=fresh.bearer("admin"))
    for line in (f"GET / HTTP/1.1\r\nAuthorization: Bearer {token}", token, f"GET /{token} HTTP/9"):
        for address in (fresh.endpoints.gateway_http, fresh.endpoints.gateway_websocket):
            with socket.create_connection((address.host, address.port)) as client:
                client.sendall(f"{line}\r\n\r\n".encode())
                client.settimeout(60)
                client.recv(100)
    log = fresh.output.read_text()
    assert "serving" in log
    assert not PATTERN.search(log)
    files = [fresh.folder / "keys" / f"{name}.json" for name in ("server", "node")]
    secrets = [json.loads(path.read_text())["secret"] for path in files]
    assert len(secrets) == 2
    assert not any(secret in log for secret in secrets)


@pytest.mark.parametrize(
    ("node", "variable", "value"),
    [
        ("nodes.gateway", "KPP_GATEWAY_HTTP", "0.0.0.0:{}"),
        ("nodes.gateway", "KPP_GATEWAY_WEBSOCKET", "0.0.0.0:{}"),
        ("nodes.clock", "KPP_CLOCK_HTTP", "0.0.0.0:{}"),
        ("nodes.clock", "KPP_CLOCK_PUBLISH", "tcp://0.0.0.0:{}"),
        ("nodes.clock", "KPP_CLOCK_CONTROL", "tcp://0.0.0.0:{}"),
        ("nodes.physics", "KPP_PHYSICS_PUBLISH", "tcp://0.0.0.0:{}"),
        ("ui", "KPP_UI_HTTP", "0.0.0.0:{}"),
    ],
)
def test_no_node_opens_to_other_machines_without_keys(tmp_path: Path, node: str, variable: str, value: str) -> None:
    environment = free_environment() | {"KPP_DATA": str(tmp_path)}
    port = environment[variable].rpartition(":")[2]
    command = [sys.executable, "-m", node]
    environment = os.environ | environment | {variable: value.format(port)}
    run = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert run.returncode == 1
    assert b"kpp keys init" in run.stdout


@pytest.mark.parametrize("node", ["nodes.gateway", "nodes.clock", "ui"])
@pytest.mark.parametrize("variable", ["KPP_HOSTS", "KPP_ORIGINS", "KPP_TRUSTED_PROXIES"])
def test_f11_a_setting_that_makes_no_sense_is_named(tmp_path: Path, node: str, variable: str) -> None:
    environment = free_environment() | {"KPP_DATA": str(tmp_path), variable: "plant/example"}
    command = [sys.executable, "-m", node]
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, timeout=100, check=False)
    assert run.returncode == 1, run.stdout
    assert f"{variable}: 'plant/example'".encode() in run.stdout
    assert b"Traceback" not in run.stdout + run.stderr
    assert b"cannot be bound" not in run.stdout


def test_basic_credentials_open_no_gateway(fresh: Secured) -> None:
    basic = base64.b64encode(f"x:{fresh.tokens['admin']}".encode()).decode()
    url = f"{fresh.endpoints.gateway_http}/v1/status"
    assert httpx.get(url, headers={"Authorization": f"Basic {basic}"}).status_code == 401


def test_s04_a_revoked_token_ends_at_once_what_is_open_with_it(fresh: Secured) -> None:
    url = f"{fresh.endpoints.gateway_http}/v1"
    folder = fresh.folder / "keys"
    with (
        httpx.stream("GET", f"{url}/stream", headers=fresh.bearer("viewer"), timeout=60) as events,
        stream(fresh, additional_headers=fresh.bearer("viewer")) as revoked,
        stream(fresh, additional_headers=fresh.bearer("operator")) as kept,
    ):
        assert events.status_code == 200
        assert first(revoked)["role"] == "viewer"
        assert first(kept)["role"] == "operator"
        keys(folder, "revoke", "viewer")
        with pytest.raises(ConnectionClosed) as closed:
            list(revoked)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "this token was withdrawn")
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in events.iter_raw():
                pass
        assert httpx.get(f"{url}/status", headers=fresh.bearer("viewer")).status_code == 401
        assert httpx.get(f"{url}/status", headers=fresh.bearer("operator")).status_code == 200
        assert kept.ping().wait(60)
    made = keys(folder, "token", "newcomer").strip()
    eventually(
        lambda: httpx.get(f"{url}/status", headers={"Authorization": f"Bearer {made}"}).status_code == 200,
        20,
        "a new token is known",
    )


def test_s04_tokens_that_are_gone_or_damaged_let_nobody_in(tmp_path: Path) -> None:
    keys(tmp_path / "keys", "init")
    admission = Admission.from_environment({"KPP_KEYS": str(tmp_path / "keys")})
    path = tmp_path / "keys" / "tokens.json"
    for damage in (lambda: path.write_text("garbage"), path.unlink):
        damage()
        admission.read_anew()
        refused = admission.identify("kpp_x", Role.VIEWER, "127.0.0.1", 0.0)
        assert isinstance(refused, Refusal), "the door is not open"
