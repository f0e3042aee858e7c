"""What several modules answer to one command counts as one outcome."""

from typing import Any

import pytest

from bus.protocol import codec
from bus.protocol.joint import JointOutcome
from bus.protocol.messages import Result
from tests.bus.samples import sample

MODULES = ("m1", "m2")


def result(module: str, outcome: str, **more: Any) -> Result:
    """What one module answers."""
    fields = sample(Result) | {"module": module, "outcome": outcome, "reason": "", "violations": [], "applied": {}}
    made: Result = codec.build(Result, fields | more)
    return made


def joint(*results: Result) -> JointOutcome:
    """After these."""
    outcome = JointOutcome()
    for each in results:
        outcome = outcome.and_result(each)
    return outcome


def test_a_command_to_one_has_the_result_of_that_one() -> None:
    answer = result("m1", "rejected", reason="no")
    assert joint(answer).told("m1") is answer
    assert joint(answer).missing("m1", MODULES) == ()
    assert joint().missing("m1", MODULES) == ("m1",)


def test_s08_one_to_all_waits_for_all() -> None:
    assert joint(result("m2", "applied")).missing("*", MODULES) == ("m1",)
    assert joint(result("m2", "applied"), result("m1", "rejected")).missing("*", MODULES) == ()


def test_s08_the_clock_answers_for_all_when_the_run_has_ended() -> None:
    outcome = joint(result("clock", "rejected", reason="the run ended"))
    assert outcome.missing("*", MODULES) == ()
    assert (outcome.told("*").outcome, outcome.told("*").reason) == ("rejected", "clock: the run ended")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [(("applied", "applied"), "applied"), (("applied", "rejected"), "applied"), (("rejected", "rejected"), "rejected")],
)
def test_s08_one_that_applies_it_is_enough(outcomes: tuple[str, str], expected: str) -> None:
    told = joint(*(result(*pair) for pair in zip(MODULES, outcomes, strict=True))).told("*")
    assert told.outcome == expected
    assert told.module == "*"


def test_a_result_that_comes_twice_counts_once() -> None:
    again = result("m1", "rejected", reason="no")
    assert joint(again, again).told("*").reason == "m1: no"


def test_without_any_there_is_nothing_to_tell() -> None:
    with pytest.raises(ValueError, match="no module"):
        JointOutcome().told("m1")
