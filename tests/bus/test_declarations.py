"""What every declaration owes the wire: nothing unbounded, nothing unexplained, nothing that is not decoded."""

from dataclasses import replace

import msgspec.inspect as mi
import pytest

from bus.protocol.messages import PUBLISHED
from bus.protocol.schema import COUNT_MAX, FINITE, NANOSECONDS_MAX, TIME_MAX
from tests.bus.catalogue import WIRE, Place, declared, leaves, places, structs
from tests.bus.strategies import NOTHING_FOLLOWS

PLACES = places()


def test_no_message_is_out_of_reach() -> None:
    reached = {struct.cls for cls in WIRE for struct in structs(mi.type_info(cls))}
    assert declared() == reached


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_s06_every_number_has_bounds_that_arithmetic_survives(place: Place) -> None:
    """Twice the largest whole number fits 64 bits, and a time in microseconds and a speed in thousandths do."""
    for leaf in leaves(place.type):
        match leaf:
            case mi.IntType(ge=low, le=high):
                assert low is not None
                assert high is not None
                assert max(abs(low), abs(high)) <= (NANOSECONDS_MAX if place.name == "mono_ns" else COUNT_MAX)
            case mi.FloatType(ge=low, gt=above, le=high):
                assert high is not None
                assert (low if above is None else above) is not None
                if place.unit == "s":
                    assert high <= TIME_MAX < 2**63 / 1e6
                if place.name == "speed" and place.unit == "1":
                    assert high * 1000 < 2**63
            case _:
                pass


def flaws(place: Place) -> list[str]:
    """What a field lets in that it should not."""
    found: list[str] = []
    for leaf in leaves(place.type):
        match leaf:
            case mi.StrType(pattern=None, max_length=None):
                found.append(f"{place.path}: text without a limit")
            case mi.StrType(pattern=str() as pattern) if not pattern.endswith(NOTHING_FOLLOWS) or pattern[0] != "^":
                found.append(f"{place.path}: a bare $ lets a trailing newline pass")
            case mi.ListType(max_length=None) | mi.DictType(max_length=None):
                found.append(f"{place.path}: list or map without a limit")
            case mi.FloatType(ge=low, gt=above, le=high):
                if high is None or high > FINITE or (low is None and above is None):
                    found.append(f"{place.path}: infinity would pass")
            case mi.AnyType() | mi.ExtType() | mi.BytesType() | mi.RawType():
                found.append(f"{place.path}: only plain values go on the wire")
            case _:
                pass
    return found


def test_every_text_list_map_and_float_is_bounded() -> None:
    assert [flaw for place in PLACES for flaw in flaws(place)] == []


def test_a_flaw_is_seen_wherever_it_is() -> None:
    """The check above can fail: also inside lists, maps and unions."""
    place = PLACES[0]
    wrong = (mi.StrType(), mi.StrType(pattern="^a$"), mi.ListType(mi.IntType()), mi.FloatType(ge=0.0), mi.AnyType())
    for each in wrong:
        inside = mi.UnionType((mi.NoneType(), mi.ListType(mi.DictType(mi.IntType(), each, max_length=1), max_length=1)))
        assert len(flaws(replace(place, type=inside))) == 1


@pytest.mark.parametrize("cls", PUBLISHED, ids=lambda cls: cls.__name__)
def test_every_published_message_has_the_four_fields_at_the_top(cls: type) -> None:
    kind = mi.type_info(cls)
    assert isinstance(kind, mi.StructType)
    assert [field.name for field in kind.fields][:4] == ["t", "seq", "run", "wall"]


def test_one_topic_per_message() -> None:
    topics = [cls.TOPIC for cls in PUBLISHED]
    assert len(set(topics)) == len(topics)
    assert not [(one, other) for one in topics for other in topics if one != other and other.startswith(one)], (
        "a subscriber to one topic would get another too"
    )
