"""The command example against a clock that does as the test says."""

import subprocess
import sys

from tests.conftest import ROOT
from tests.examples.conftest import PATIENCE, Clock
from tests.ports import free_address


def command(clock: Clock, *args: str) -> tuple[int, list[str]]:
    """Run the example; its exit code and its lines."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "command.py"), *args,
         "--control", clock.control, "--publisher", clock.publish],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_applied(clock: Clock) -> None:
    clock.outcome = {"outcome": "applied", "reason": "", "violations": [], "applied": {"mode": "running"}}
    code, lines = command(clock, "start")
    assert lines == ["sequenced at tick 77 of run r-1", 'applied at t = 0.750 s: {"mode": "running"}']
    assert code == 0
    request = clock.requests[0]
    assert (request.module, request.name, request.args) == ("clock", "start", {})


def test_rejected_with_what_was_wrong(clock: Clock) -> None:
    violation = {"field": "speed", "limit": "0.1 to 100", "reason": "speed 500 is above 100"}
    clock.outcome = {"outcome": "rejected", "reason": "no such speed", "violations": [violation]}
    code, lines = command(clock, "set_speed", "speed=500", "note=as text", "--id", "my-id")
    assert lines[1:] == ["rejected at t = 0.750 s: no such speed", "  speed: speed 500 is above 100"]
    assert code == 1
    request = clock.requests[0]
    assert (request.id, request.args) == ("my-id", {"speed": 500, "note": "as text"})


def test_options_may_stand_anywhere(clock: Clock) -> None:
    clock.refusal = "no"
    command(clock, "set_parameters", "--module", "m1", "floater_mass=18", "--id", "x", "mouth_area=0.5")
    assert (clock.requests[0].module, clock.requests[0].args) == ("m1", {"floater_mass": 18, "mouth_area": 0.5})


def test_refused(clock: Clock) -> None:
    clock.refusal = "no module 'm9'"
    code, lines = command(clock, "plant_start", "--module", "m9")
    assert lines[-1] == "refused: module no module 'm9'"
    assert code == 1


def test_a_lost_request_is_asked_again_with_the_same_id(clock: Clock) -> None:
    clock.deaf = 1
    clock.outcome = {"outcome": "applied", "reason": "", "violations": [], "applied": {}}
    code, _lines = command(clock, "pause")
    assert code == 0
    assert len(clock.requests) >= 2
    assert all(request == clock.requests[0] for request in clock.requests)


def test_no_plant() -> None:
    nowhere = Clock(control=free_address(), publish=free_address())
    code, lines = command(nowhere, "start", "--id", "my-id")
    assert lines == [
        f"nothing heard from {nowhere.publish}: is the plant running?",
        f"no answer from {nowhere.control}: whether my-id acts is unknown, ask again with --id",
    ]
    assert code == 1
