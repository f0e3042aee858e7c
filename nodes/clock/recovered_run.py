"""A run as its clock left it on disk: the ticks that were sent and the commands that were accepted. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from bus.ordered.tick_log import RunHeader, TickRecord
from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import CLOCK_MODULE, EVERY_MODULE, Command, begin_id


def begin_command(header: RunHeader) -> Command:
    """The command that rides in the first tick of a run."""
    # Made of the header and not journaled: the header is on disk before the first tick, so the command cannot be lost.
    args = {"scenario": header.scenario, "parameters": header.parameters}
    return Command(id=begin_id(header.run), module=EVERY_MODULE, name="begin", args=args, origin=CLOCK_MODULE)


@dataclass(frozen=True)
class RecoveredRun:
    """What was read of a run.

    Attributes:
        header: how it began.
        records: the ticks that were sent, without their commands.
        commands: the journal's commands with their ticks, in the order of their acceptance.
    """

    header: RunHeader
    records: list[TickRecord]
    commands: list[tuple[int, Command]]

    @property
    def last(self) -> int:
        """Number of the newest tick that was sent."""
        return self.records[-1].span.last if self.records else 0

    def spans(self) -> Iterator[TickSpan]:
        """The ticks that were sent, with the commands that rode in them."""
        # The beginning comes first, as in the live clock, where it was pending before any command could arrive.
        due: dict[int, list[Command]] = defaultdict(list)
        due[1].append(begin_command(self.header))
        for seq, command in self.commands:
            due[seq].append(command)
        for span, _held, count in self.records:
            # The log says how many commands rode in the tick. The journal can have more only if a write to it was
            # reported as failed but reached the disk all the same: such a command was refused, and never acts.
            yield msgspec.structs.replace(span, commands=tuple(due[span.first][:count]))

    def waiting(self) -> list[tuple[int, Command]]:
        """Commands whose tick has not been sent, with their ticks."""
        waiting = [(seq, command) for seq, command in self.commands if seq > self.last]
        # Without a tick nobody has seen the run begin, so its first command is still to be sent.
        return waiting if self.records else [(1, begin_command(self.header)), *waiting]
