"""Questions from anybody: whatever is wrong with one of them, the node that is asked goes on for everybody else."""

from collections.abc import Callable

import structlog

from bus.protocol.codec import encode
from bus.protocol.messages import Refused
from bus.protocol.schema import Message


def answered(
    answer: Callable[[], Message | None], log: structlog.stdlib.BoundLogger, question: str = ""
) -> bytes | None:
    """The packed answer to a question; None if there is none, or if it comes later.

    Use it for questions only, which change nothing. An error while a command is carried out leaves a node in a state
    that nobody knows, and has to end the node.

    Args:
        answer: makes the answer.
        log: where a defect is reported.
        question: the question's id, for the refusal.
    """
    try:
        made = answer()
        return None if made is None else encode(made)
    except Exception as error:  # a defect that one message finds must not be a way to end the node
        log.exception("a question cannot be answered")
        reason = f"this cannot be answered ({type(error).__name__}); it is a defect, and the node's log has the details"
        return encode(Refused(id=question, field="", reason=reason))
