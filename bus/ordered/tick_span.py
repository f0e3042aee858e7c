"""Consecutive ticks of one kind as one value, in integers: the unit in which all processes count ticks. Pure.

Where spans leave a process they have one encoding each: on the bus (`to_wire` and `spans_of`, here), in the clock's
tick log (`bus.ordered.tick_log`) and in a recording's hot store (`recording.ticks`).
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from bus.protocol.messages import Command, Mode, Replay, ReplaySpan, Tick

MOST_SEQ = (1 << 40) - 1
"""Largest number of a tick: at 1000 ticks a second it is reached after 34 years."""

MOST_US = 1 << 60
"""Largest simulated time in microseconds."""

MOST_DT_US = 100_000_000
"""Longest tick in microseconds: ten times what the lowest rate at the highest speed takes."""


class TickSpan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Consecutive ticks of one kind: the commands act at the first one, then every tick advances by `dt_us`.

    Times are whole microseconds and speeds whole thousandths. Their sums are exact in any order, so everybody who
    counts the same ticks gets the same time, to the bit.
    """

    first: Annotated[int, Meta(ge=1, le=MOST_SEQ)]
    count: Annotated[int, Meta(ge=1, le=MOST_SEQ)] = msgspec.field(name="length")  # as recordings have always called it
    t_us: Annotated[int, Meta(ge=0, le=MOST_US)]
    """Simulated time before the first tick, in microseconds."""
    dt_us: Annotated[int, Meta(ge=0, le=MOST_DT_US)]
    mode: Mode
    commands: tuple[Command, ...]
    speed_milli: Annotated[int, Meta(ge=0, le=MOST_US)] = 1000
    """Requested speed in thousandths."""
    flat_out: bool = False
    """True when running as fast as possible."""

    @classmethod
    def of(cls, tick: Tick) -> "TickSpan":
        """A single tick."""
        dt_us = round(tick.dt * 1e6)
        return cls(
            tick.seq,
            1,
            # A tick has the time after it, a span the time before its first tick.
            round(tick.t * 1e6) - dt_us,
            dt_us,
            tick.mode,
            tuple(tick.commands),
            round(tick.speed * 1000),
            tick.flat_out,
        )

    @property
    def last(self) -> int:
        """Number of the last tick."""
        return self.first + self.count - 1

    @property
    def end_us(self) -> int:
        """Simulated time after the last tick, in microseconds."""
        return self.t_us + self.count * self.dt_us

    def after(self, seq: int) -> "TickSpan | None":
        """The part of it that follows tick `seq`; None if nothing does."""
        skipped = seq + 1 - self.first
        # A tick before the span cuts nothing off, so this is the same object, with its commands.
        if skipped <= 0:
            return self
        if skipped >= self.count:
            return None
        # The commands acted at a tick that is cut off: kept in the rest, they would act a second time.
        return msgspec.structs.replace(
            self, first=seq + 1, count=self.count - skipped, t_us=self.t_us + skipped * self.dt_us, commands=()
        )

    def upto(self, seq: int) -> "TickSpan | None":
        """The part of it up to and including tick `seq`; None if there is none."""
        if seq >= self.last:
            return self
        return None if seq < self.first else msgspec.structs.replace(self, count=seq + 1 - self.first)

    def alike(self, other: "TickSpan") -> bool:
        """True if its ticks advance like those of `other`, whatever their times and commands."""
        return (
            self.dt_us == other.dt_us
            and self.mode == other.mode
            and self.speed_milli == other.speed_milli
            and self.flat_out == other.flat_out
        )

    def joins(self, other: "TickSpan") -> bool:
        """True if `other` only continues it. Commands begin a span of their own: only its first tick can have any."""
        return (
            other.first == self.first + self.count
            and other.t_us == self.end_us
            and not other.commands
            and self.alike(other)
        )

    def longer(self, more: int) -> "TickSpan":
        """The span with more ticks of its kind at its end."""
        return msgspec.structs.replace(self, count=self.count + more)

    def agrees(self, other: "TickSpan") -> bool:
        """True if both say the same about the ticks that they have in common."""
        # Cut to where both have begun, they have the same first tick. If only one of them then has a command, they
        # differ.
        first = max(self.first, other.first)
        mine, others = self.after(first - 1), other.after(first - 1)
        # Without a tick in common there is nothing to contradict.
        if mine is None or others is None or first > min(self.last, other.last):
            return True
        return mine.t_us == others.t_us and mine.commands == others.commands and mine.alike(others)


def to_wire(span: TickSpan) -> ReplaySpan:
    """A span in the form that a replay carries: in seconds, the unit of every time on the bus."""
    return ReplaySpan(
        first=span.first,
        count=span.count,
        t=span.t_us / 1e6,
        dt=span.dt_us / 1e6,
        mode=span.mode,
        speed=span.speed_milli / 1000,
        flat_out=span.flat_out,
        commands=list(span.commands),
    )


def spans_of(reply: Replay, after: int = 0) -> Iterator[TickSpan]:
    """The spans of a replay, cut to the ticks that follow `after`."""
    for sent in reply.spans:
        # A quotient of two integers is rounded once, to the nearest double, so rounding back finds the integer again.
        span = TickSpan(
            sent.first,
            sent.count,
            round(sent.t * 1e6),
            round(sent.dt * 1e6),
            sent.mode,
            tuple(sent.commands),
            round(sent.speed * 1000),
            sent.flat_out,
        )
        rest = span.after(after)
        # Answers begin with whole spans, so the first ones may end before `after`, and the asker has them.
        if rest is not None:
            yield rest


def tick_holes(spans: Iterator[TickSpan] | list[TickSpan]) -> list[tuple[int, int]]:
    """Ranges of ticks that are missing before the newest one, as (first, last)."""
    holes, following = [], 1
    for span in spans:
        if span.first > following:
            holes.append((following, span.first - 1))
        # Spans may overlap: a longer copy of one may lie beside a shorter one.
        following = max(following, span.last + 1)
    return holes
