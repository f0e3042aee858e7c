"""A pytest plug-in that writes down what the verification tests compare: no test has to know of it.

Every test whose name begins with test_vNN_ belongs to case NN. pytest hands over each assertion that held, with its
source and its values, and that is the record: quantity, expected, got, gate. The logic stays in the tests alone.
"""

import ast
import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

CASE: Final = re.compile(r"test_v(\d\d)_")
_OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass
class Check:
    """One assertion of a test: what was compared, and the closest call if it was made many times.

    Attributes:
        case, test, line: where it stands.
        quantity: source text of what was computed.
        expected, got, gate: as shown.
        margin: share of the gate that was used, to find the closest call.
        times: how often it was made.
        passed: whether it held every time.
    """

    case: int
    test: str
    line: int
    quantity: str
    expected: str
    got: str
    gate: str
    margin: float = 0.0
    times: int = 1
    passed: bool = True


@dataclass
class Recorder:
    """The plug-in. After the session `checks` and `outcomes` (test name to passed) hold what there is to tell."""

    checks: dict[tuple[str, int], Check] = field(default_factory=dict)
    outcomes: dict[str, bool] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the verification cases only."""
        items[:] = [item for item in items if CASE.match(item.name)]

    def pytest_assertion_pass(self, item: pytest.Item, lineno: int, orig: str, expl: str) -> None:
        """Note an assertion that held."""
        found = CASE.match(item.name)
        if found is None or (lineno, _plain(orig)) not in assertions(item.path):
            return  # libraries that the tests use assert as well
        check = interpret(int(found[1]), item.name, lineno, orig, expl)
        known = self.checks.get((item.name, lineno))
        if known is not None:
            check.times = known.times + 1
            if check.margin < known.margin:
                known.times = check.times
                return
        self.checks[item.name, lineno] = check

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note whether a test passed."""
        name = report.nodeid.split("::")[-1]
        found = CASE.match(name)
        if found is None or (report.when != "call" and report.passed):
            return
        self.outcomes[name] = self.outcomes.get(name, True) and report.passed
        if report.failed:
            reason = str(report.longrepr).strip().splitlines()[-1][:120]
            self.checks[name, 10**6] = Check(int(found[1]), name, 10**6, "the test", "passes", reason, "", passed=False)


@functools.cache
def assertions(path: Path) -> frozenset[tuple[int, str]]:
    """Line and source of every assertion of a test file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset((node.lineno, ast.unparse(node.test)) for node in ast.walk(tree) if isinstance(node, ast.Assert))


def _plain(source: str) -> str:
    """An expression without its layout and comments."""
    return ast.unparse(ast.parse(f"({source}\n)", mode="eval"))


def interpret(case: int, test: str, line: int, source: str, explanation: str) -> Check:
    """Make a check of an assertion's source and pytest's account of its values."""
    source = _plain(source)
    tree = ast.parse(source, mode="eval").body
    first = explanation.replace("\\n", "\n").partition("\n")[0]
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return Check(case, test, line, source, "holds", "holds", "")
    quantity, limit = ast.unparse(tree.left), tree.comparators[0]
    if isinstance(limit, ast.Call) and ast.unparse(limit.func).endswith("approx"):
        return _approximate(case, test, line, quantity, limit, explanation)
    sign = {ast.LtE: "<=", ast.GtE: ">=", ast.Lt: "<", ast.Gt: ">", ast.Eq: "=="}.get(type(tree.ops[0]), "")
    left, found, right = first.partition(f" {sign} ")
    if not sign or not found:
        return Check(case, test, line, source, "holds", "holds", "")
    got, bound = evaluate(left), evaluate(right)
    margin = abs(got / bound) if isinstance(got, float) and isinstance(bound, float) and bound else 0.0
    if sign == "==":
        return Check(case, test, line, quantity, show(bound), show(got), "exact", margin)
    return Check(
        case,
        test,
        line,
        quantity,
        f"{sign} {show(bound)}",
        show(got),
        "limit",
        margin if sign.startswith("<") else -margin,
    )


def _approximate(case: int, test: str, line: int, quantity: str, call: ast.Call, explanation: str) -> Check:
    """A comparison with pytest.approx: its gate as it stands in the source."""
    gates = [f"{word.arg} {ast.unparse(word.value)}" for word in call.keywords if word.arg in ("rel", "abs")]
    values = dict(re.findall(r"(Obtained|Expected): (.*)", explanation.replace("\\n", "\n")))
    expected, _, tolerance = values.get("Expected", "").partition(" ± ")
    got, wanted, room = evaluate(values.get("Obtained", "")), evaluate(expected), evaluate(tolerance)
    gate = ", ".join(gates) or "rel 1e-6"
    if not all(isinstance(value, float) for value in (got, wanted, room)):
        target = " ".join(ast.unparse(call.args[0]).split())
        return Check(case, test, line, quantity, f"`{target}`", "all inside the gate", gate)
    margin = abs(float(got) - float(wanted)) / float(room) if room else 0.0
    return Check(case, test, line, quantity, show(wanted), show(got), gate, margin)


def evaluate(text: str) -> float | str:
    """The value of an arithmetic expression of numbers, or the text itself."""
    plain = re.sub(r"np\.(?:float64|int64|bool)\(([^()]*)\)", r"\1", text.strip())
    try:
        return _value(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return plain


def _value(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no arithmetic of numbers")


def show(value: Any) -> str:
    """A value for the table: seven digits, no more than the gates need."""
    if isinstance(value, float):
        return f"{value:.7g}"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
