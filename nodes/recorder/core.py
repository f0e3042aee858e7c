"""Turns messages into batches of rows. Pure: messages come in in order, and a batch for each run goes out."""

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Event, Published, Result, State, Tick
from recording.hot import Batch
from recording.message_rows import States, event_note, result_note


class Intake:
    """Gathers the rows of one group commit."""

    def __init__(self) -> None:
        self._states = States()
        self._batches: dict[str, Batch] = {}

    def __len__(self) -> int:
        return sum(map(len, self._batches.values()))

    def take(self, message: Published, *, again: bool = False) -> None:
        """Take in one message; those that are no part of a recording, such as a status, are left out.

        Args:
            message: what was published.
            again: true if it was delivered before, and is only to be compared with what is recorded.
        """
        batch = self._batches.setdefault(message.run, Batch())
        if isinstance(message, State):
            row, schema = self._states.row(message)
            (batch.again if again else batch.rows).append(row)
            if not again and schema not in batch.schemas:
                batch.schemas.append(schema)
        elif isinstance(message, Tick):
            batch.ticks.append(TickSpan.of(message))
        elif isinstance(message, Event):
            batch.notes.append(event_note(message))
        elif isinstance(message, Result):
            batch.notes.append(result_note(message))

    def batches(self) -> dict[str, Batch]:
        """The batches gathered so far, by run; gathering begins again with nothing."""
        batches, self._batches = self._batches, {}
        return {run: batch for run, batch in batches.items() if len(batch)}
