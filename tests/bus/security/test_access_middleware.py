"""The web door in memory: pages of named origins, and what is refused before an application sees it."""

import asyncio
from typing import Any

import httpx
import pytest

from bus.security.access_middleware import AccessMiddleware, Receive, Scope, Send
from bus.security.admission import Admission
from bus.security.hosts import ORIGINS_VARIABLE, Names
from bus.security.room import Room
from bus.security.tokens import Role, Tokens, make

TOKEN, ENTRY = make("somebody", Role.OPERATOR)
PAGE = "https://app.example"
NAMES = Names.from_environment("127.0.0.1", {ORIGINS_VARIABLE: PAGE})


async def plant(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"accept-encoding")]})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(method: str, headers: dict[str, str], room: int = 4) -> httpx.Response:
    def role(_method: str, _path: str) -> Role:
        return Role.OPERATOR

    def urgent(_method: str, path: str) -> bool:
        return path == "/stop"

    admission = Admission(Tokens([ENTRY]))
    app: Any = AccessMiddleware(plant, NAMES, admission, role, lambda _path: ["OPTIONS", "POST"], Room(room), urgent)

    async def script() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9100") as client:
            return await client.request(method, "/stop" if room == 0 else "/start", headers=headers)

    return asyncio.run(script())


def test_s18_a_browser_asks_before_a_named_page_commands() -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = ask("OPTIONS", asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "idempotency-key", "if-match"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 200), ("wrong", 401)], ids=["known", "wrong"])
def test_s18_a_named_page_reads_answers_and_refusals(token: str, status: int) -> None:
    answer = ask("POST", {"Origin": PAGE, "Authorization": f"Bearer {token}"})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "origin" in answer.headers.get_list("vary", split_commas=True)
    assert "etag" in answer.headers["access-control-expose-headers"]


def test_s18_other_pages_are_told_nothing() -> None:
    for headers in ({"Origin": "http://localhost:3000"}, {}):
        answer = ask("POST", {**headers, "Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == (403 if headers else 200)
        assert "access-control-allow-origin" not in answer.headers


def test_s03_an_emergency_stop_has_room_when_there_is_none() -> None:
    assert ask("POST", {"Authorization": f"Bearer {TOKEN}"}, room=0).status_code == 200
    assert ask("POST", {}, room=0).status_code == 401
