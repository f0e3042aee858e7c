"""Changes only of what a client has seen, answers only if they are news, keys of one's own, lists in pages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from bus.protocol.messages import Command, CommandRequest, Refused, Sequenced
from bus.protocol.tags import IF_MATCH
from nodes.clock.acceptance import again
from nodes.gateway.commands import ID_LENGTH, command_id
from tests.watching import eventually

from .conftest import Running
from .test_rest import problem

WARM = {"parameters": {"water_temperature": 310.0}}
COLD = {"parameters": {"water_temperature": 280.0}}
PRESET = "/v1/presets/conditional"


@pytest.fixture(autouse=True)
def _no_preset(gateway: Running) -> Iterator[None]:
    yield
    gateway.rest.delete(PRESET)


def test_s18_a_preset_is_replaced_only_as_it_was_seen(gateway: Running) -> None:
    rest = gateway.rest
    problem(rest.put(PRESET, json=WARM, headers={"If-Match": "*"}), 412)
    made = rest.put(PRESET, json=WARM, headers={"If-None-Match": "*"})
    assert made.status_code == 200
    refused = rest.put(PRESET, json=COLD, headers={"If-None-Match": "*"})
    assert "exists already" in problem(refused, 412)["detail"]
    assert rest.get(PRESET).json()["parameters"]["water_temperature"] == 310.0
    seen = rest.get(PRESET).headers["etag"]
    assert seen == made.headers["etag"] == refused.headers["etag"]
    changed = rest.put(PRESET, json=COLD, headers={"If-Match": seen})
    assert changed.status_code == 200
    problem(rest.put(PRESET, json=WARM, headers={"If-Match": seen}), 412)
    problem(rest.delete(PRESET, headers={"If-Match": seen}), 412)
    assert rest.delete(PRESET, headers={"If-Match": f'"x", {changed.headers["etag"]}'}).status_code == 204


def test_s18_of_many_that_make_the_same_preset_one_does(gateway: Running) -> None:
    def put(number: int) -> int:
        body = {"parameters": {"water_temperature": 280.0 + number}}
        return gateway.rest.put(PRESET, json=body, headers={"If-None-Match": "*"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] + [412] * 7


@pytest.mark.parametrize("path", ["/v1/parameters", "/parameters", PRESET])
def test_s18_what_a_client_has_is_not_sent_again(gateway: Running, path: str) -> None:
    gateway.rest.put(PRESET, json=WARM)
    tag = gateway.rest.get(path).headers["etag"]
    for given in (tag, f"W/{tag}", "*", f'"x", {tag}'):
        answer = gateway.rest.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert gateway.rest.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert gateway.rest.head(path).headers["etag"] == tag


def test_s18_parameters_are_changed_only_as_they_were_seen(gateway: Running) -> None:
    rest, change = gateway.rest, {"drag_area": 0.3}
    tag = rest.get("/v1/parameters").headers["etag"]
    problem(rest.patch("/v1/parameters", json=change, headers={"If-None-Match": "*"}), 412)
    assert gateway.peer.commands == []
    refused = rest.patch("/v1/parameters", json=change, headers={"If-Match": '"x", "y"'})
    assert "read it again" in problem(refused, 412)["detail"]
    assert refused.headers["etag"] == tag, "the module has the very tag that is answered"
    assert gateway.peer.commands[-1].args == change | {IF_MATCH: ['"x"', '"y"']}, "it is compared when it acts"
    assert rest.patch("/v1/parameters", json=change, headers={"If-Match": tag}).status_code == 200
    found = problem(rest.patch("/v1/parameters", json=change | {IF_MATCH: "x"}), 422)
    assert [each["field"] for each in found["violations"]] == [IF_MATCH]


def test_s18_a_key_is_its_callers_own() -> None:
    assert command_id("k-1", "gateway") == "k-1"
    assert command_id("k-1", "gateway:anna") == command_id("k-1", "websocket:anna") == "anna:k-1"
    assert command_id("k-1", "gateway:bert") != command_id("k-1", "gateway:anna")
    long = [command_id("k" * 63 + end, "gateway:" + "a" * 32) for end in "12"]
    assert long[0] != long[1]
    assert {len(each) for each in long} == {ID_LENGTH}


def test_s18_a_key_stands_for_one_body_also_at_the_clock() -> None:
    answer = Sequenced(id="k", run="0001-001", seq=7)
    command = Command(id="k", module="m1", name="set_parameters", args={"drag_area": 0.3}, origin="gateway")
    same = CommandRequest(id="k", module="m1", name="set_parameters", args={"drag_area": 0.3}, origin="console")
    assert again(same, answer, command) == answer
    for module, name, args in (
        ("m2", "set_parameters", {"drag_area": 0.3}),
        ("m1", "inject", {}),
        ("m1", "set_parameters", {"drag_area": 0.4}),
    ):
        refused = again(CommandRequest(id="k", module=module, name=name, args=args, origin="gateway"), answer, command)
        assert isinstance(refused, Refused)
        assert refused.field == "id"


def test_s18_a_key_that_the_clock_knows_for_something_else_is_409(gateway: Running) -> None:
    gateway.peer.switches.refuse = Refused(id="x", field="id", reason="it stood for another command before")
    found = problem(gateway.rest.post("/v1/time/start", headers={"Idempotency-Key": "used-before"}), 409)
    assert [each["field"] for each in found["violations"]] == ["Idempotency-Key"]


def test_s18_runs_come_in_pages(gateway: Running) -> None:
    def hears(run: str) -> bool:
        return bool(gateway.rest.get("/v1/runs?limit=1").json()["runs"][0]["run"] == run)

    try:
        for run in ("page-1", "page-2", "page-3"):
            gateway.peer.switches.run = run
            eventually(partial(hears, run), 10, "the gateway hears of the run")
        first = gateway.rest.get("/v1/runs?limit=2").json()
        assert [each["run"] for each in first["runs"]] == ["page-3", "page-2"]
        assert first["next"] == "page-2"
        second = gateway.rest.get(f"/v1/runs?limit=1&before={first['next']}").json()
        assert [each["run"] for each in second["runs"]] == ["page-1"]
        everything = gateway.rest.get("/v1/runs").json()
        assert [each["run"] for each in everything["runs"][:3]] == ["page-3", "page-2", "page-1"]
        assert everything["next"] is None
        problem(gateway.rest.get("/v1/runs?before=nothing"), 404)
        problem(gateway.rest.get("/v1/runs?limit=0"), 422)
    finally:
        gateway.peer.switches.run = "run-1"


def test_s18_recordings_come_in_pages(gateway: Running) -> None:
    first = gateway.rest.get("/v1/recordings?limit=1").json()
    assert (len(first["recordings"]), first["more"]) == (1, True)
    second = gateway.rest.get(f"/v1/recordings?limit=50&before={first['next']}").json()
    assert second["recordings"]
    assert (second["more"], second["next"]) == (False, None)
    assert first["recordings"][0]["run"] not in {each["run"] for each in second["recordings"]}
