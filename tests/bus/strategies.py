"""Plain wire values derived from the declarations, limits and patterns honoured."""

from typing import Any

import msgspec.inspect as mi
from hypothesis import strategies as st

from bus.protocol.schema import FINITE, Message

MOST = 3
"""Items in lists and maps: enough for every path through the codec."""

NOTHING_FOLLOWS = r"(?![\s\S])"


def wire(cls: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    """Valid payloads of a message, as the plain map that any MessagePack library packs."""
    return _struct(mi.type_info(cls))


def _struct(kind: mi.Type) -> st.SearchStrategy[dict[str, Any]]:
    assert isinstance(kind, mi.StructType)
    fields = {field.encode_name: plain(field.type) for field in kind.fields}
    if kind.tag_field is not None:
        fields[kind.tag_field] = st.just(kind.tag)
    return st.fixed_dictionaries(fields)


def plain(kind: mi.Type) -> st.SearchStrategy[Any]:
    """Valid values of one type."""
    match kind:
        case mi.Metadata():
            return plain(kind.type)
        case mi.StructType():
            return _struct(kind)
        case mi.UnionType():
            return st.one_of(*map(plain, kind.types))
        case mi.ListType():
            most = min(MOST, kind.max_length or MOST)
            return st.lists(plain(kind.item_type), min_size=kind.min_length or 0, max_size=most)
        case mi.DictType():
            most = min(MOST, kind.max_length or MOST)
            return st.dictionaries(
                plain(kind.key_type), plain(kind.value_type), min_size=kind.min_length or 0, max_size=most
            )
        case _:
            return _scalar(kind)


def _scalar(kind: mi.Type) -> st.SearchStrategy[Any]:
    match kind:
        case mi.BoolType():
            return st.booleans()
        case mi.NoneType():
            return st.none()
        case mi.LiteralType():
            return st.sampled_from(kind.values)
        case mi.IntType():
            return st.integers(
                -(2**63) if kind.ge is None else int(kind.ge), 2**64 - 1 if kind.le is None else int(kind.le)
            )
        case mi.FloatType():
            above = kind.gt is not None
            low = kind.gt if above else kind.ge
            high = kind.le if kind.le is not None else FINITE
            return st.floats(-FINITE if low is None else float(low), float(high), exclude_min=above, allow_nan=False)
        case mi.StrType():
            if kind.pattern is not None:
                pattern = kind.pattern.removeprefix("^").removesuffix(NOTHING_FOLLOWS)
                return st.from_regex(pattern, fullmatch=True)
            return st.text(min_size=kind.min_length or 0, max_size=kind.max_length)
        case _:
            raise AssertionError(f"a new kind of field needs a strategy: {kind}")
