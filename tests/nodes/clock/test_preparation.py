"""A run begins only so as every module can begin it, and until then the one before goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from bus.protocol.messages import Ack, CommandRequest, Prepared, Refused, Violation
from nodes.clock.preparation import DEADLINE_NS, PREPARATIONS_MAX, Preparation
from tests.nodes.clock.conftest import Bench, agree

WRONG = {"scenario": "reference", "parameters": {"floater_count": 250}}
VIOLATION = Violation(field="floater_count", limit="200", reason="the highest value allowed is 200")


def request(name: str = "reset", command_id: str = "x", /, **args: Any) -> CommandRequest:
    return CommandRequest(id=command_id, module="clock", name=name, args=args, origin="test")


def preparing(bench: Bench, asked: CommandRequest) -> Preparation:
    found = bench.core.sequence(asked, bench.now_ns)
    assert isinstance(found, Preparation)
    return found


def refusal(bench: Bench, preparation: Preparation, instance: str = "a") -> Refused:
    answer = Refused(preparation.question.id, "floater_count", "too many floaters", violations=[VIOLATION])
    decision = bench.core.prepared(("m1", instance), answer, bench.now_ns)
    assert isinstance(decision, Refused)
    return decision


def test_s02_a_run_that_no_module_can_begin_is_refused_and_the_one_before_goes_on(bench: Bench) -> None:
    bench.apply("start")
    before = bench.tick(10)
    asked = preparing(bench, request(**WRONG))
    assert (asked.question.scenario, asked.question.parameters) == ("reference", {"floater_count": 250})
    during = bench.tick(5)
    refused = refusal(bench, asked)
    assert (refused.id, refused.field, refused.violations, refused.retry_after) == (
        "x",
        "floater_count",
        [VIOLATION],
        0,
    )
    assert "module m1 cannot begin this run: too many floaters" in refused.reason
    after = bench.tick(10)
    assert (before.run, before.seq + 15) == (after.run, after.seq)
    assert before.t < during.t < after.t, "time went on while the module was asked"
    assert not [command for tick in bench.ticks for command in tick.commands if command.id == "x"]


def test_s02_a_run_that_every_module_can_begin_is_sequenced(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(modules=("m1", "m2"))
    asked = preparing(bench, request(scenario="ideal"))
    assert asked.waits_for == {("m1", "a"), ("m2", "a")}
    assert bench.core.prepared(("m2", "a"), Prepared(asked.question.id, "m2", "a"), bench.now_ns) is None
    decision = bench.core.prepared(("m1", "a"), Prepared(asked.question.id, "m1", "a"), bench.now_ns)
    assert not isinstance(decision, Refused | Preparation | None)
    assert (decision[0].id, decision[1].args) == ("x", {"scenario": "ideal"})


def test_s02_an_answer_counts_once_and_from_whom_it_was_asked(bench: Bench) -> None:
    asked = preparing(bench, request())
    answer = Prepared(asked.question.id, "m1", "b")
    assert bench.core.prepared(("m1", "b"), answer, bench.now_ns) is None
    assert bench.core.prepared(("m1", "a"), Prepared("7.99", "m1", "a"), bench.now_ns) is None
    agree(bench.core, asked, bench.now_ns)
    assert bench.core.prepared(("m1", "a"), Prepared(asked.question.id, "m1", "a"), bench.now_ns) is None


def test_s02_who_asks_again_asks_for_the_same(bench: Bench) -> None:
    assert preparing(bench, request()) is preparing(bench, request())


def test_s02_a_module_that_does_not_answer_is_waited_for_no_longer_than_the_deadline(bench: Bench) -> None:
    preparing(bench, request())
    assert bench.core.overdue(bench.now_ns + DEADLINE_NS - 1) == []
    (refused,) = bench.core.overdue(bench.now_ns + DEADLINE_NS)
    assert isinstance(refused, Refused)
    assert refused.retry_after > 0
    assert "module m1 has not said within 1 s" in refused.reason
    assert "the present run goes on, try again" in refused.reason
    assert bench.core.overdue(bench.now_ns + 2 * DEADLINE_NS) == []


def test_s02_both_instances_are_asked_and_one_that_hangs_is_not_waited_for_for_ever(bench: Bench) -> None:
    bench.acknowledge(0, instance="b")
    asked = preparing(bench, request())
    assert asked.waits_for == {("m1", "a"), ("m1", "b")}
    assert bench.core.prepared(("m1", "b"), Prepared(asked.question.id, "m1", "b"), bench.now_ns) is None
    (decision,) = bench.core.overdue(bench.now_ns + DEADLINE_NS)
    assert not isinstance(decision, Refused)
    assert refusal(bench, preparing(bench, request("reset", "y")), "b").id == "y", "any of them may come to lead"


def test_s02_nobody_to_ask_is_no_agreement(bench: Bench) -> None:
    bench.now_ns += 3_000_000_000
    refused = bench.core.sequence(request(), bench.now_ns)
    assert isinstance(refused, Refused)
    assert "module m1 is silent" in refused.reason
    assert refused.retry_after > 0


def test_s02_what_was_asked_in_a_run_that_has_ended_is_asked_anew(bench: Bench) -> None:
    asked = preparing(bench, request())
    bench.apply("reset", scenario="ideal")
    bench.tick()
    again = agree(bench.core, asked, bench.now_ns)
    assert isinstance(again, Preparation)
    assert again.request == asked.request
    assert (asked.question.scenario, again.question.scenario) == ("reference", "ideal")
    assert not isinstance(agree(bench.core, again, bench.now_ns), Refused | Preparation)


def test_s02_a_start_that_was_asked_in_a_run_that_has_ended_begins_no_other(bench: Bench) -> None:
    """As a script gives it: reset, and start at once, which arrives before the tick of the reset."""
    bench.apply("start")
    bench.tick(10)
    reset = bench.send("reset")
    asked = preparing(bench, request("start"))
    while not any(result.id == reset.id for result in bench.results):
        bench.tick()
    decision = agree(bench.core, asked, bench.now_ns)
    assert not isinstance(decision, Refused | Preparation)
    assert decision[0].run == bench.tick().run
    bench.core.durable("x")
    assert bench.tick(5).mode == "running"


def test_s02_beginnings_in_preparation_are_bounded(bench: Bench) -> None:
    for k in range(PREPARATIONS_MAX):
        preparing(bench, request("reset", f"c{k}"))
    refused = bench.core.sequence(request(), bench.now_ns)
    assert isinstance(refused, Refused)
    assert refused.retry_after > 0


def test_s02_start_is_prepared_when_it_may_begin_a_run(bench: Bench) -> None:
    assert not isinstance(bench.core.sequence(request("start", "a"), bench.now_ns), Preparation), (
        "at time zero it begins none"
    )
    assert isinstance(bench.core.sequence(request("start", "b"), bench.now_ns), Preparation), "what waits may stop it"
    bench.core.durable("a")
    bench.tick(10)
    assert not isinstance(bench.core.sequence(request("start", "c"), bench.now_ns), Preparation), "it is running"
    bench.core.durable("c")
    bench.tick(3)
    bench.apply("stop")
    asked = preparing(bench, request("start", "d"))
    assert (asked.question.scenario, asked.question.parameters) == ("reference", {})


def test_s02_a_module_whose_run_is_dead_asks_for_a_reset_and_not_for_patience(bench: Bench) -> None:
    bench.tick(100, acknowledge=False)
    run = bench.core.run
    fault = Ack(
        module="m1", instance="a", pid=1, run=run, seq=0, status="fault: scenario cannot be used: no", health="fault"
    )
    bench.core.heard(fault, bench.now_ns)
    refused = bench.core.sequence(request("start"), bench.now_ns)
    assert isinstance(refused, Refused)
    assert refused.reason.endswith("(fault: scenario cannot be used: no): reset to begin another run")
    assert refused.retry_after == 0
    assert isinstance(bench.core.sequence(request(), bench.now_ns), Preparation)


@pytest.mark.parametrize("args", [{"scenario": 5}, {"parameters": []}, {"nope": 1}])
def test_s02_an_order_that_makes_no_sense_is_answered_at_its_tick(bench: Bench, args: dict[str, Any]) -> None:
    assert bench.apply("reset", **args).outcome == "rejected"
    assert bench.tick(5).run == "0007-001"


def test_s18_an_id_that_is_being_prepared_stands_for_one_command(bench: Bench) -> None:
    asked = preparing(bench, request(**WRONG))
    assert bench.core.sequence(request(**WRONG), bench.now_ns) is asked
    refused = bench.core.sequence(request(scenario="ideal"), bench.now_ns)
    assert isinstance(refused, Refused)
    assert refused.field == "id"
