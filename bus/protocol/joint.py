"""What several modules answer to one command: each has a result of its own, and together they are one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import structs

from bus.protocol.messages import CLOCK_MODULE, EVERY_MODULE, Result

Outcome = Literal["applied", "rejected"]


@dataclass(frozen=True)
class JointOutcome:
    """What became of a command so far, whoever it was for.

    A command to one module has one result. One to every module is applied if any of them has applied it; `reason` names
    those that have not, and `applied` says of each what is in force there.
    """

    results: dict[str, Result] = field(default_factory=dict)

    def and_result(self, result: Result) -> "JointOutcome":
        """With one more; of one module the last counts."""
        return JointOutcome({**self.results, result.module: result})

    def missing(self, module: str, modules: Iterable[str]) -> tuple[str, ...]:
        """Who has not answered yet.

        A command whose run ended before its tick is answered by the clock, whoever it was for.

        Args:
            module: addressee of the command.
            modules: all plant modules.
        """
        if module != EVERY_MODULE:
            return () if self.results else (module,)
        return () if CLOCK_MODULE in self.results else tuple(each for each in modules if each not in self.results)

    def told(self, module: str) -> Result:
        """All results as one.

        Args:
            module: addressee of the command.

        Raises:
            ValueError: if nobody has answered.
        """
        found = list(self.results.values())
        if not found:
            raise ValueError("nobody has answered")
        if module != EVERY_MODULE:
            return found[-1]
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
