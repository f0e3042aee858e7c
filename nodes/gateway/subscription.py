"""What one client subscribes to: topics, fields, rate or decimation, and where it left off; from a URL or a message."""

import math
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

import msgspec
from msgspec import structs

from bus.protocol.messages import IDENTIFIER, PUBLISHED, State
from bus.protocol.schema import Message
from nodes.gateway.frame_encoding import GroupSelection
from nodes.gateway.problems import Problem
from nodes.gateway.wire import MAX_EVERY, MAX_FIELDS, MAX_RATE, MAX_TOPICS, MIN_RATE, After, SubscribeMessage

DEFAULT_RATE = 10.0
"""Frames a second for a client that names no rate (Hz)."""

MAX_QUERY = 8192
"""Longest query in characters."""

QUERY = {"rate", "module", "topics", "fields", "every", "after", "run"}
"""Names in the query of /ws."""

STATE = State.TOPIC
GROUPS: dict[str, frozenset[str]] = {
    field.name: frozenset(field.type.__struct_fields__)
    for field in structs.fields(State)
    if isinstance(field.type, type) and issubclass(field.type, Message)
}
"""Groups of a state and their fields."""


class Subscription(msgspec.Struct, frozen=True):
    """What a client wants, checked: topics and fields exist, and either `rate` or `every` is set."""

    topics: tuple[str, ...]
    fields: tuple[str, ...] = ()
    """Groups and fields of a state by name, as the client wrote them."""
    selection: GroupSelection = ()
    """The same, sorted by group; empty for the whole state."""
    rate: float | None = DEFAULT_RATE
    """Frames a second at most (Hz)."""
    every: int | None = None
    """Every n-th tick, with none left out."""
    after: After | None = None
    """The last frame that the client has."""
    plain: bool = True
    """True for a client of the first version: one module at a rate, and no snapshot before the first frame."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose states are wanted."""
        return tuple(topic[len(STATE) : -1] for topic in self.topics if topic.startswith(STATE))


def topics_of(modules: Sequence[str]) -> list[str]:
    """Every topic of a plant with these modules."""
    plain = [kind.TOPIC for kind in PUBLISHED if kind.TOPIC not in {"state/", "event/"}]
    return [*plain, *(f"{kind}{module}/" for module in modules for kind in ("state/", "event/"))]


def of_message(message: SubscribeMessage, modules: Sequence[str]) -> Subscription | Problem:
    """The subscription that a message asks for, or what is wrong with it."""
    if message.rate is not None and message.every is not None:
        return Problem.violation("rate, every", "one of the two", "they exclude each other: send either rate or every")
    return _checked(message.topics, message.fields, message.rate, message.every, message.after, modules)


def of_query(query: str, modules: Sequence[str]) -> Subscription | Problem:
    """The subscription that a query asks for, or what is wrong with it.

    Args:
        query: `rate=Hz&module=name&topics=a,b&fields=a,b&every=N&run=R&after=SEQ`; each may be left out.
        modules: those of the plant.
    """
    try:
        # One character more than is allowed, and few fields: a query of megabytes is not even split. Strict parsing
        # would refuse the empty query too, which is a valid one.
        found = parse_qs(query[: MAX_QUERY + 1], keep_blank_values=True, strict_parsing=bool(query), max_num_fields=10)
    except ValueError:
        return Problem.violation("query", "name=value&name=value", "the query cannot be read: send name=value pairs")
    if len(query) > MAX_QUERY:
        return Problem.violation("query", f"{MAX_QUERY} characters", f"the query is longer than {MAX_QUERY} characters")
    for name, values in found.items():
        if name not in QUERY or len(values) != 1:
            limit = f"{', '.join(sorted(QUERY))}, once each"
            # Cut, here and below, where it repeats what the client sent: an answer must not grow with the request.
            return Problem.violation(name[:64], limit, f"this name is unknown or given twice: use {limit}")
    return of_fields({name: values[0] for name, values in found.items()}, modules)


def of_fields(given: Mapping[str, str], modules: Sequence[str]) -> Subscription | Problem:
    """The subscription that the fields of a query ask for, or what is wrong with it.

    Args:
        given: values by the names of QUERY.
        modules: those of the plant; the first one is meant where none is named.
    """
    rate = _number(given, "rate", MIN_RATE, MAX_RATE, " Hz")
    every = _number(given, "every", 1, MAX_EVERY, "", whole=True)
    seq = _number(given, "after", 0, 2**53, "", whole=True)  # beyond 2**53 a float no longer tells ticks apart
    for found in (rate, every, seq):
        if isinstance(found, Problem):
            return found
    if "rate" in given and "every" in given:
        return Problem.violation("every", "rate or every", "it excludes rate: send either rate or every")
    module = given.get("module", modules[0])
    if module not in modules:
        detail = f"there is no module {module[:64]!r}: choose one of {', '.join(modules)}"
        return Problem.of(404, "module", detail, known=list(modules))
    after = _after(given.get("run"), seq)
    if isinstance(after, Problem):
        return after
    topics = given["topics"].split(",") if "topics" in given else [f"{STATE}{module}/"]
    fields = given["fields"].split(",") if given.get("fields") else []
    plain = given.keys() <= {"rate", "module"}  # as clients of the first version ask, which know no snapshot
    return _checked(topics, fields, rate, None if every is None else int(every), after, modules, plain=plain)  # type: ignore[arg-type]  # no Problem, see above


def _after(run: str | None, seq: object) -> After | Problem | None:
    if run is None and seq is None:
        return None
    if run is None or not isinstance(seq, int | float):
        return Problem.violation("after", "run and after together", "one is nothing without the other: send both")
    try:
        return msgspec.convert({"run": run, "seq": int(seq)}, After)
    except msgspec.ValidationError:
        return Problem.violation("run", IDENTIFIER, "this cannot be the id of a run: send one that a frame had")


def _number(
    given: Mapping[str, str], name: str, low: float, high: float, unit: str, *, whole: bool = False
) -> float | Problem | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except ValueError:
        value = math.nan
    if not low <= value <= high or (whole and not value.is_integer()):
        limit = f"{low:g} to {high:g}{unit}"
        number = "a whole number" if whole else "a number"
        return Problem.violation(name, limit, f"{given[name][:32]!r} is not permitted: use {number} from {limit}")
    return value


def _checked(
    topics: Sequence[str],
    fields: Sequence[str],
    rate: float | None,
    every: int | None,
    after: After | None,
    modules: Sequence[str],
    *,
    plain: bool = False,
) -> Subscription | Problem:
    known = topics_of(modules)
    unknown = [topic for topic in topics if topic not in known]
    if unknown or not topics or len(topics) > MAX_TOPICS:
        wrong = f"there is no topic {unknown[0][:64]!r}" if unknown else f"{len(topics)} are not possible"
        detail = f"topics: {wrong}: choose 1 to {MAX_TOPICS} of {', '.join(known)}"
        return Problem.of(404, "topic", detail, known=known)
    selection = select(fields)
    if isinstance(selection, Problem):
        return selection
    if after is not None and rate is not None:
        reason = "a client at a rate gets the newest frames and has nothing to resume: send every in place of rate"
        return Problem.violation("after", "with every", reason)
    # Who resumes wants everything that it has missed, and not a choice of it.
    if after is not None and every is None:
        every = 1
    if rate is None and every is None:
        rate = DEFAULT_RATE
    # A topic that is named twice is wanted once.
    return Subscription(tuple(dict.fromkeys(topics)), tuple(fields), selection, rate, every, after, plain)


def select(fields: Sequence[str]) -> GroupSelection | Problem:
    """The selection of a state that some names stand for, or what is wrong with them.

    Args:
        fields: names of groups ("grid") or of fields ("chain.speed"); a group includes all of its fields.
    """
    if len(fields) > MAX_FIELDS:
        reason = f"{len(fields)} are too many: send at most {MAX_FIELDS}, or none for the whole state"
        return Problem.violation("fields", f"{MAX_FIELDS} fields", reason)
    chosen: dict[str, list[str] | None] = {}
    for field in fields:
        group, dot, name = field.partition(".")
        if group not in GROUPS or (dot and name not in GROUPS[group]):
            known = sorted(GROUPS[group]) if group in GROUPS else sorted(GROUPS)
            reason = f"{field[:64]!r} is not part of a state: choose from {', '.join(known)}"
            return Problem.violation("fields", "group or group.name", reason)
        names = chosen.setdefault(group, [])
        if not dot:
            chosen[group] = None
        elif names is not None and name not in names:
            names.append(name)
    return tuple((group, None if names is None else tuple(names)) for group, names in chosen.items())
