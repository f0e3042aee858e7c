"""The same seed makes the same plan, and the plan keeps its promises."""

from itertools import pairwise
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.plan import DISK, FULL_EVERY, HANGS, HANGS_A_MINUTE, Kind, draw

NODES = ("clock", "physics", "gateway", "ui", "watchdog")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), faults=st.integers(1, 300), disk=st.booleans())
def test_a_plan_is_a_function_of_its_seed_within_its_bounds(seed: int, faults: int, disk: bool) -> None:
    plan = draw(seed, NODES, faults, 1.8, disk=disk)
    assert plan == draw(seed, NODES, faults, 1.8, disk=disk)
    assert len(plan) == faults
    assert all(before.at <= after.at for before, after in pairwise(plan))
    full = [fault.at for fault in plan if fault.kind == "full"]
    assert disk or not full
    assert all(after - before > FULL_EVERY for before, after in pairwise(full))
    for node in NODES:
        hangs = [fault.at for fault in plan if fault.target == node and fault.kind in HANGS]
        assert all(later - hangs[k] >= 60 for k, later in enumerate(hangs[HANGS_A_MINUTE:]))


def test_a_long_plan_has_every_kind_on_every_node_and_three_at_once() -> None:
    plan = draw(1, NODES, 1000, 1.8, disk=True)
    assert {fault.kind for fault in plan} == {kind for each in get_args(Kind) for kind in (get_args(each) or (each,))}
    assert {(fault.target, fault.kind) for fault in plan} == {
        *((node, kind) for node in NODES for kind in ("kill", *HANGS)),
        (DISK, "full"),
    }
    assert any(later.at - sooner.at < 0.2 for sooner, later in zip(plan, plan[2:], strict=False))
    assert 400 < plan[-1].at < 700
