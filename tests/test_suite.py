"""The suite runs every test once, whatever fails."""

from collections.abc import Mapping, Sequence
from typing import IO

import pytest
from _pytest.mark.expression import Expression

from tests import suite
from tests.session import ALONE


@pytest.mark.parametrize("alone", [True, False])
def test_a_test_is_in_one_part_and_in_no_other(alone: bool) -> None:
    expressions = [Expression.compile(part[part.index("-m") + 1]) for part in (suite.together(2), suite.ONE_BY_ONE)]

    def marked(name: str, /, **_values: object) -> bool:
        return name == ALONE and alone

    found = [each.evaluate(marked) for each in expressions]
    assert found == [not alone, alone]


@pytest.mark.parametrize(("processors", "workers"), [(1, "1"), (2, "1"), (4, "3"), (64, str(suite.WORKERS_MAX))])
def test_one_processor_is_left_to_the_plants(processors: int, workers: str) -> None:
    part = suite.together(processors)
    assert part[part.index("-n") + 1] == workers


@pytest.mark.parametrize(
    ("codes", "ends"),
    [
        ((0, 0), 0),
        ((1, 0), 1),
        ((0, 1), 1),
        ((1, 3), 1),
        ((5, 0), 0),
        ((0, 5), 0),
        ((5, 1), 1),
        ((5, 5), 5),
        ((2, 2), 2),
    ],
)
def test_a_failure_in_one_part_fails_the_whole_and_both_are_run(
    codes: tuple[int, int], ends: int, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    left, steps = list(codes), []

    def start(arguments: Sequence[str], _environment: Mapping[str, str], output: IO[bytes] | None) -> suite.Wait:
        part, code = arguments[arguments.index("-m") + 1], left.pop(0)
        steps.append(f"start {part}")
        assert arguments[-1] == "tests/bus"
        if output is not None:
            output.write(b"what the part behind has to say")

        def wait() -> int:
            steps.append(f"wait {part}")
            return code

        return wait

    assert suite.main(["tests/bus"], start) == ends
    assert steps == [f"start not {ALONE}", f"start {ALONE}", f"wait {ALONE}", f"wait not {ALONE}"]
    assert b"what the part behind has to say" in capfdbinary.readouterr().out
