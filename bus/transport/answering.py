"""Questions from anybody: whatever is wrong with one, the node that is asked goes on for everybody else."""

from collections.abc import Callable

import structlog

from bus.protocol.codec import encode
from bus.protocol.messages import Refused
from bus.protocol.schema import Message


def answered(
    answer: Callable[[], Message | None], log: structlog.stdlib.BoundLogger, question: str = ""
) -> bytes | None:
    """The answer to a question, packed; None if it gets none, or gets it later.

    It is for questions alone, which change nothing: what fails while a command is carried out leaves a node in a state
    that nobody knows, and ends it.

    Args:
        answer: makes the answer.
        log: where a defect is told.
        question: its id, for the refusal.
    """
    try:
        made = answer()
        return None if made is None else encode(made)
    except Exception as error:  # a defect that one message finds must not be a way to end the node
        log.exception("a question cannot be answered")
        reason = f"this cannot be answered ({type(error).__name__}), which is a defect: it stands in the node's log"
        return encode(Refused(id=question, field="", reason=reason))
