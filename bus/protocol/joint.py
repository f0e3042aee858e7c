"""What several modules answer to one command: each has a result of its own, and together they make one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import structs

from bus.protocol.messages import CLOCK_MODULE, EVERY_MODULE, Result

Outcome = Literal["applied", "rejected"]


@dataclass(frozen=True)
class JointOutcome:
    """What has become of a command so far, whether it was for one module or for all.

    A command to one module has one result. A command to every module is applied if any module has applied it; `reason`
    names those that have not, and `applied` has for each what is in force there.

    Attributes:
        results: the results so far, by module.
    """

    results: dict[str, Result] = field(default_factory=dict)

    def and_result(self, result: Result) -> "JointOutcome":
        """The outcome with one more result; of several from one module the last counts."""
        return JointOutcome({**self.results, result.module: result})

    def missing(self, module: str, modules: Iterable[str]) -> tuple[str, ...]:
        """Modules that have not answered yet.

        A command whose run ended before its tick is answered by the clock, whoever it was for.

        Args:
            module: addressee of the command.
            modules: all plant modules.
        """
        if module != EVERY_MODULE:
            return () if self.results else (module,)
        return () if CLOCK_MODULE in self.results else tuple(each for each in modules if each not in self.results)

    def told(self, module: str) -> Result:
        """All results as one result.

        Args:
            module: addressee of the command.

        Raises:
            ValueError: if no module has answered.
        """
        found = list(self.results.values())
        if not found:
            raise ValueError("no module has answered yet")
        if module != EVERY_MODULE:
            return found[-1]
        # Applied if anybody has: an emergency stop that one of three modules has carried out has acted, and must not be
        # reported as one that has not.
        rejected = [each for each in found if each.outcome == "rejected"]
        outcome: Outcome = "rejected" if len(rejected) == len(found) else "applied"
        applied: dict[str, Any] = {each.module: each.applied for each in found if each.outcome == "applied"}
        return structs.replace(
            found[0],
            module=EVERY_MODULE,
            outcome=outcome,
            reason="; ".join(f"{each.module}: {each.reason}" for each in rejected),
            violations=[violation for each in rejected for violation in each.violations],
            applied=applied,
        )
