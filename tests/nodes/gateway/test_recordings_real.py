"""Recordings of a real plant at the gateway: a run forked, compared and exported."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.nodes.recorder.conftest import Plant, recorded_until, wait_for_state
from tests.watching import eventually

from .peer import free_environment
from .secured import answers
from .test_rest import fields, problem


def gateway_of(plant: Plant) -> httpx.Client:
    """Start the gateway of a plant and wait until it answers."""
    plant.start("gateway")
    eventually(lambda: answers(plant.endpoints), 30.0, "the gateway answers")
    return httpx.Client(base_url=str(plant.endpoints.gateway_http), timeout=60)


def test_a_real_run_is_forked_and_compared_and_without_a_recorder_that_is_said(
    make_plant: Callable[..., Plant],
    tmp_path: Path,
) -> None:
    web = {name: value for name, value in free_environment().items() if "GATEWAY" in name}
    plant = make_plant(tmp_path, **web)
    plant.start("recorder")
    with gateway_of(plant) as rest:
        parent = wait_for_state(plant).run
        plant.command("start")
        eventually(lambda: recorded_until(plant, parent) > 2.5, 30.0, "enough simulated time is recorded")
        plant.command("pause")
        url, key = f"/v1/recordings/{parent}/fork", {"Idempotency-Key": "test:fork-1"}
        wrong = rest.post(url, json={"t": 1.0, "parameters": {"drag_area": 99.0}})
        assert fields(problem(wrong, 422)) == ["drag_area"]
        answer = rest.post(url, json={"t": 1.0, "start": True}, headers=key)
        assert answer.status_code == 200, answer.text
        forked = answer.json()
        child = forked["run"]
        assert child != parent
        assert (forked["fork"]["run"], forked["fork"]["t"], forked["applied"]["mode"]) == (parent, 1.0, "running")
        again = rest.post(url, json={"t": 1.0, "start": True}, headers=key)
        assert again.json() == forked
        eventually(lambda: recorded_until(plant, child) > 1.0, 30.0, "the fork is recorded")
        plant.command("pause")
        query = {"left": child, "right": parent, "channels": "chain.speed", "to": 1.0, "bins": 20}
        found = rest.get("/v1/recordings/compare", params=query).json()
        assert (found["common"], found["right"]["shift"]) == (parent, 1.0)
        left, right = (
            dict(zip(s["t"], s["channels"][0]["mean"], strict=True)) for s in (found["left"], found["right"])
        )
        shared = [t for t in left if t in right and t > 0]
        assert len(shared) > 10
        assert all(left[t] == right[t] for t in shared)  # without changes it repeats its parent
        plant.stop("recorder")
        silent = problem(rest.get("/v1/recordings"), 503)
        assert "is it running?" in silent["detail"]
        assert rest.get(f"/v1/recordings/{parent}/export", params={"channels": "chain.speed"}).status_code == 200
