"""The pages about the model are those of this code: declared tables, figures by name, and every verification test."""

import ast
import re
from pathlib import Path

import pytest

from docs import blocks, figures, verify
from docs.cases import TITLES
from docs.recorder import evaluate, interpret
from kpp_physics import ledger
from studies.result import METERS

ROOT = Path(__file__).resolve().parents[2]
PHYSICS = (ROOT / "docs" / "physics.md").read_text(encoding="utf-8")
VERIFICATION = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(figures.declared()))
def test_declared_tables_are_current(name: str) -> None:
    assert blocks.block(PHYSICS, name).strip() == figures.declared()[name].strip(), "run python -m docs.verify"


def test_figures_name_every_meter_and_every_line() -> None:
    meters, waterfall = blocks.block(PHYSICS, "meters"), blocks.block(PHYSICS, "waterfall")
    for name in METERS:
        assert f"| {name.replace('_', ' ')} |" in meters
    for name in ledger.INPUTS + ledger.OUTPUTS:
        assert re.search(rf"\| \**{name.replace('_', ' ')}\** \|", waterfall), name


def test_a_page_without_a_block_is_refused() -> None:
    with pytest.raises(LookupError, match="no block 'nothing'"):
        blocks.fill(PHYSICS, {"nothing": ""})


def test_every_verification_test_is_on_the_page() -> None:
    written = set()
    for suite in verify.SUITES:
        for path in (ROOT / suite).glob("test_*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            written |= {
                int(found[1])
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef)
                if (found := re.match(r"test_v(\d\d)_", node.name))
            }
    rows = re.findall(
        r"^\| V(\d+) \| (.*?) \| (\d+) \| \d+ \| (.*?) \|$", VERIFICATION.partition("## Checks")[0], re.MULTILINE
    )
    assert [(int(case), about) for case, about, _, _ in rows] == list(TITLES.items())
    assert {int(case) for case, _, tests, _ in rows if int(tests)} == written, "run python -m docs.verify"
    assert "FAIL" not in VERIFICATION


def test_the_recorder_reads_what_pytest_says() -> None:
    near = interpret(
        7,
        "test_v07_x",
        3,
        "work(1.0) == pytest.approx(2.0, rel=1e-4)  # why",
        "2.0001 == 2.0 ± 2.0e-04\n  \n  comparison failed\n  Obtained: 2.0001\n  Expected: 2.0 ± 2.0e-04",
    )
    assert (near.quantity, near.expected, near.got, near.gate) == ("work(1.0)", "2", "2.0001", "rel 0.0001")
    assert near.margin == pytest.approx(0.5, rel=1e-6)
    limit = interpret(7, "test_v07_x", 4, "abs(a) <= 1e-9 * b", "np.float64(3e-10) <= (1e-09 * 2.0)\n + where ...")
    assert (limit.expected, limit.got, limit.gate) == ("<= 2e-09", "3e-10", "limit")
    assert interpret(7, "test_v07_x", 5, "all(list)", "True\n + where").got == "holds"
    assert evaluate("print('x')") == "print('x')"


def test_staleness_looks_at_cases_and_gates_and_not_at_digits() -> None:
    assert verify.structure(VERIFICATION)
    changed = re.sub(r"(\| V7 \| `mass[^|]*\| 139130 \| )[\d.]+", r"\g<1>139131.1", VERIFICATION)
    assert changed != VERIFICATION
    assert verify.structure(changed) == verify.structure(VERIFICATION)
    looser = VERIFICATION.replace("| rel 0.0001 |", "| rel 0.01 |", 1)
    assert verify.structure(looser) != verify.structure(VERIFICATION)
