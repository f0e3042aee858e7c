"""Conditional changes: applied only if the values are still those that the client saw; of two clients one wins."""

from bus.protocol.messages import Violation
from bus.protocol.tags import IF_MATCH, parameters_tag
from kpp_physics.parameters import Parameters
from kpp_physics.plc import CommandError


class ExpectationError(ValueError):
    """The values in force are not those that were expected; `violation` has their tag as its limit."""

    def __init__(self, tag: str) -> None:
        super().__init__("the parameters in force are not those that were expected: read them again")
        self.violation = Violation(field=IF_MATCH, limit=tag, reason=str(self))


def require_as_expected(tags: object, run: str, in_force: Parameters) -> None:
    """Check that the parameters in force have one of some tags.

    Args:
        tags: entity tags; "*" is that of any values.
        run: the present run.
        in_force: its values.

    Raises:
        ExpectationError: if they have not.
        CommandError: if these are no tags.
    """
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise CommandError(f"{IF_MATCH} has to be a list of entity tags")
    # At the tick, not at the gateway: between the two another command may act, and of two clients that saw the same
    # values the second one must lose.
    tag = parameters_tag(run, in_force.as_dict())
    # As HTTP has it: any of several tags will do, and the star stands for any values at all.
    if tag not in tags and "*" not in tags:
        raise ExpectationError(tag)
