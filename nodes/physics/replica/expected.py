"""Conditional changes: applied only if the values in force are still those that the client has seen."""

from bus.protocol.messages import Violation
from bus.protocol.tags import IF_MATCH, parameters_tag
from kpp_physics.parameters import Parameters
from kpp_physics.plc import CommandError


class ExpectationError(ValueError):
    """The values in force are not those that were expected; the `limit` of `violation` is their tag."""

    def __init__(self, tag: str) -> None:
        super().__init__("the parameters have changed since they were read: read them again")
        self.violation = Violation(field=IF_MATCH, limit=tag, reason=str(self))


def require_as_expected(tags: object, run: str, in_force: Parameters) -> None:
    """Check that the parameters in force have one of some tags.

    Args:
        tags: entity tags; "*" stands for any values.
        run: the present run.
        in_force: its values.

    Raises:
        ExpectationError: if they have none of them.
        CommandError: if `tags` is no list of texts.
    """
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise CommandError(f"{IF_MATCH}: give a list of entity tags")
    # At the tick, not at the gateway: between the two another command may act, and of two clients that saw the same
    # values the second one must lose.
    tag = parameters_tag(run, in_force.as_dict())
    # As HTTP has it: any of several tags will do, and the star stands for any values at all.
    if tag not in tags and "*" not in tags:
        raise ExpectationError(tag)
