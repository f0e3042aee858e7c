"""Answers of REST that follow from declared messages, where fields, types, meanings and units are written once.

    @derived(Peer, without={"gaps"})
    class NodeAnswer(RestAnswer):
        health: NodeHealth = Field(description="...")

has every field of `Peer` but `gaps`, and one more. A field of the message that the class writes out itself says more
here than on the bus. Limits are the message's own: what REST answers was checked when it came.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from types import GenericAlias, UnionType
from typing import Any, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field, create_model


class RestAnswer(BaseModel):
    """An answer; it can be made of the objects that it stands for, fields by their names, at every depth."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def made(cls, source: Any = None, **more: Any) -> Self:
        """An answer from what an object has, with more or other values.

        Args:
            source: has fields of the answer as attributes; None if `more` has all.
            more: the others, as values or as objects that have their fields.
        """
        names = {name: str(field.validation_alias or name) for name, field in cls.model_fields.items()}
        wanted = [] if source is None else [names[name] for name in names.keys() - more.keys()]
        return cls.model_validate({name: getattr(source, name) for name in wanted} | more)


A = TypeVar("A", bound=RestAnswer)

_answers: dict[type[Any], type[RestAnswer]] = {}
"""The answer that stands for a message where another one has it."""


def derived(message: type[msgspec.Struct], without: AbstractSet[str] = frozenset()) -> Callable[[type[A]], type[A]]:
    """Give an answer the fields of a message.

    Args:
        message: that is answered.
        without: fields that are left out.
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
    """A field with the meaning and the unit that a message declares for one of its own."""
    declared = get_type_hints(message, include_extras=True)[name].__metadata__
    meta = next(each for each in declared if isinstance(each, msgspec.Meta) and each.description)
    unit = (meta.extra_json_schema or {}).get("unit", "")
    if unit in {"", "1"} or " " in unit:  # a plain number, or one whose unit another field tells
        return Field(description=meta.description)
    return Field(description=f"{meta.description} ({unit})", json_schema_extra={"unit": unit})


def _answered(kind: Any) -> Any:
    """A type with the answers that stand for messages in their places."""
    if kind in _answers:
        return _answers[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return Union[tuple(map(_answered, parts))]  # noqa: UP007  # of a number of types that is not known here
    if origin in {list, dict}:
        return GenericAlias(origin, tuple(map(_answered, parts)))
    return kind
