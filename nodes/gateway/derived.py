"""Answers of REST that are derived from declared messages, so that fields, types, meanings and units are written once.

    @derived(Peer, without={"gaps"})
    class NodeAnswer(RestAnswer):
        health: NodeHealth = Field(description="...")

has every field of `Peer` but `gaps`. A field that the class writes out itself is added, or replaces the message's where
REST has more to say than the bus. Limits are left out: what REST answers was checked when it came off the bus.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from types import GenericAlias, UnionType
from typing import Any, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field, create_model


class RestAnswer(BaseModel):
    """An answer. It can be made from the objects that it describes, field by field, at every depth."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def made(cls, source: Any = None, **more: Any) -> Self:
        """An answer from the attributes of an object, with further or other values.

        Args:
            source: has fields of the answer as attributes; None if `more` has all of them.
            more: values of further fields, or of fields that are to differ from the source; objects are converted.

        Raises:
            AttributeError: if neither has a field.
            ValidationError: if a value has the wrong type.
        """
        names = {name: str(field.validation_alias or name) for name, field in cls.model_fields.items()}
        wanted = [] if source is None else [names[name] for name in names.keys() - more.keys()]
        return cls.model_validate({name: getattr(source, name) for name in wanted} | more)


A = TypeVar("A", bound=RestAnswer)

_answers: dict[type[Any], type[RestAnswer]] = {}
"""The first answer that was derived from a message; it stands for that message inside other answers."""


def derived(message: type[msgspec.Struct], without: AbstractSet[str] = frozenset()) -> Callable[[type[A]], type[A]]:
    """Give an answer the fields of a message.

    Args:
        message: whose fields these are.
        without: names of fields that are left out.

    Returns:
        A decorator for the class of the answer.
    """

    def make(answer: type[A]) -> type[A]:
        hints = get_type_hints(message)  # without the limits, at every depth
        fields: dict[str, Any] = {
            each.name: (_answered(hints[each.name]), meaning(message, each.name))
            for each in structs.fields(message)
            if each.name not in {*without, *answer.model_fields}
        }
        text = answer.__doc__ or message.__doc__
        made = create_model(answer.__name__, __base__=answer, __doc__=text, __module__=answer.__module__, **fields)
        _answers.setdefault(message, made)
        return made

    return make


def meaning(message: type[msgspec.Struct], name: str) -> Any:
    """A field of an answer with the meaning and the unit that a message declares for its field of a name."""
    declared = get_type_hints(message, include_extras=True)[name].__metadata__
    meta = next(each for each in declared if isinstance(each, msgspec.Meta) and each.description)
    unit = (meta.extra_json_schema or {}).get("unit", "")
    if unit in {"", "1"} or " " in unit:  # no unit, a plain number, or a phrase that says which field has the unit
        return Field(description=meta.description)
    return Field(description=f"{meta.description} ({unit})", json_schema_extra={"unit": unit})


def _answered(kind: Any) -> Any:
    """A type in which each message is replaced by the answer that was derived from it."""
    if kind in _answers:
        return _answers[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return Union[tuple(map(_answered, parts))]  # noqa: UP007  # of a number of types that is not known here
    if origin in {list, dict}:
        return GenericAlias(origin, tuple(map(_answered, parts)))
    return kind
