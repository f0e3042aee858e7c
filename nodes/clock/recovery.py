"""A run as its clock left it: the ticks that were sent and the commands that were accepted."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from bus.ordered.tick_log import RunHeader, TickLogSpan
from bus.protocol.messages import CLOCK_MODULE, EVERY_MODULE, Command


def begin_command(header: RunHeader) -> Command:
    """The command that rides in the first tick of a run."""
    args = {"scenario": header.scenario, "parameters": header.parameters}
    return Command(id=f"{header.run}.begin", module=EVERY_MODULE, name="begin", args=args, origin=CLOCK_MODULE)


@dataclass(frozen=True)
class Recovered:
    """What was read of a run. `commands` are those of the journal, in the order of their acceptance."""

    header: RunHeader
    spans: list[TickLogSpan]
    commands: list[tuple[int, Command]]

    @property
    def last(self) -> int:
        """Number of the newest tick that was sent."""
        return self.spans[-1].first + self.spans[-1].count - 1 if self.spans else 0

    def ticks(self) -> Iterator[tuple[TickLogSpan, tuple[Command, ...]]]:
        """The ticks that were sent, in spans that have their commands at the first tick."""
        due: dict[int, list[Command]] = defaultdict(list)
        due[1].append(begin_command(self.header))
        for seq, command in self.commands:
            due[seq].append(command)
        for span in self.spans:
            # The log says how many commands rode in the tick. More than that can be in the journal only if its write
            # was reported as failed and was on disk all the same: such a command was refused and never acts.
            yield span, tuple(due[span.first][: span.commands])

    def waiting(self) -> list[tuple[int, Command]]:
        """Commands whose tick has not been sent, with their ticks."""
        waiting = [(seq, command) for seq, command in self.commands if seq > self.last]
        return waiting if self.spans else [(1, begin_command(self.header)), *waiting]
