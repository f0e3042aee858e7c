"""What begins a run is carried out or refused on every door; the run before a refused one goes on."""

import httpx
import pytest

from bus.transport.client import command, sequence
from bus.transport.request import RefusedError
from tests.e2e.conftest import START_TIMEOUT, Plant
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

WRONG = [({"floater_count": 250}, "floater_count", "200"), ({"nope": 1}, "nope", "")]


@pytest.fixture
def running(plant: Plant) -> str:
    """The run of a plant whose time goes on."""
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    answer = plant.post("/v1/runs", {"scenario": "reference", "parameters": {"drag_area": 0.5}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["run"])


def goes_on(plant: Plant, run: str) -> None:
    """The run is the present one and its states follow one another."""
    assert plant.healthy()
    first = httpx.get(f"{plant.endpoints.gateway_http}/v1/time", timeout=15).json()
    assert (first["run"], first["mode"]) == (run, "running")
    newer = eventually(
        lambda: (
            (live := httpx.get(f"{plant.endpoints.gateway_http}/data/live", timeout=15).json())["seq"] > first["tick"]
            and live
        ),
        START_TIMEOUT,
        "its states follow",
    )
    assert newer["run"] == run


@pytest.mark.parametrize(("parameters", "field", "limit"), WRONG)
@pytest.mark.parametrize("path", ["/v1/runs", "/v1/runs/reset", "/reset"])
def test_s02_rest_refuses_a_run_that_cannot_begin(
    plant: Plant, running: str, path: str, parameters: dict[str, float], field: str, limit: str
) -> None:
    answer = plant.post(path, {"scenario": "reference", "parameters": parameters})
    assert answer.status_code == 422, answer.text
    found = answer.json()["violations"]
    assert [(each["field"], each["limit"]) for each in found] == [(field, limit)]
    goes_on(plant, running)


def test_s02_the_bus_refuses_a_run_that_cannot_begin(plant: Plant, running: str) -> None:
    args = {"scenario": "reference", "parameters": {"floater_count": 250}}
    with pytest.raises(RefusedError, match="floater_count") as refused:
        sequence(plant.endpoints, command("clock", "reset", args, "test"))
    assert [(each.field, each.limit) for each in refused.value.refused.violations] == [("floater_count", "200")]
    with pytest.raises(RefusedError, match="no such scenario"):
        sequence(plant.endpoints, command("clock", "reset", {"scenario": "no-such"}, "test"))
    goes_on(plant, running)


def test_s02_a_fork_that_cannot_begin_leaves_the_plant_alive(plant: Plant, running: str) -> None:
    def fork(**parameters: float) -> httpx.Response:
        return plant.post(f"/v1/recordings/{running}/fork", {"t": 0.5, "parameters": parameters})

    def refused() -> list[tuple[str, str]] | None:
        answer = fork(drag_area=9)
        if answer.status_code in {404, 503}:  # the recorder has not yet heard of the run, or of half a second of it
            assert answer.status_code == 404 or answer.headers["Retry-After"], answer.text
            return None
        found = [(each["field"], each["limit"]) for each in answer.json().get("violations", [])]
        assert found, answer.text
        return None if found[0][0] == "t" else found

    violations = eventually(refused, START_TIMEOUT, "half a second is recorded")
    assert violations == [("drag_area", "3")]
    goes_on(plant, running)
    begun = fork(drag_area=0.4)
    assert begun.status_code == 200, begun.text
    assert begun.json()["fork"]["run"] == running
