"""The suite runs every test once, whatever fails."""

from collections.abc import Sequence

import pytest
from _pytest.mark.expression import Expression

from tests import suite
from tests.session import ALONE


@pytest.mark.parametrize("alone", [True, False])
def test_a_test_is_in_one_part_and_in_no_other(alone: bool) -> None:
    expressions = [Expression.compile(part[part.index("-m") + 1]) for part in (suite.TOGETHER, suite.ONE_BY_ONE)]

    def marked(name: str, /, **_values: object) -> bool:
        return name == ALONE and alone

    found = [each.evaluate(marked) for each in expressions]
    assert found == [not alone, alone]


@pytest.mark.parametrize(
    ("codes", "ends"),
    [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((1, 3), 1), ((5, 0), 0), ((0, 5), 0), ((5, 1), 1), ((5, 5), 5)],
)
def test_a_failure_in_one_part_fails_the_whole_and_both_are_run(codes: tuple[int, int], ends: int) -> None:
    left, asked = list(codes), []

    def run(arguments: Sequence[str], _environment: dict[str, str]) -> int:
        asked.append(arguments[arguments.index("-m") + 1])
        assert arguments[-1] == "tests/bus"
        return left.pop(0)

    assert suite.main(["tests/bus"], run) == ends
    assert asked == [f"not {ALONE}", ALONE]


def test_who_interrupts_the_first_part_is_not_given_the_second() -> None:
    assert suite.main([], lambda _arguments, _environment: 2) == 2
