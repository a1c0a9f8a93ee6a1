"""The values that all parts share: frozen, without I/O and without a clock.

``schedule`` is the comparable form of both sides and has the table of fields; ``project`` is what files declare,
``remote`` the platform's data, ``plan`` the planned changes, ``finding`` the result of a rule, ``apply_result`` the
outcome of an apply, ``receipt`` its record, ``runs`` the runs and reports of schedules, and ``traces`` what agents did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

D = TypeVar("D")


class Described(NamedTuple):
    """What a field of a document is, for its JSON Schema: pydantic's ``Field``, without importing pydantic.

    ``least`` is the smallest number that it may hold.
    """

    description: str
    least: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, schema_of: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:  # noqa: ANN401 - pydantic's
        return schema_of(source) if self.least is None else {**schema_of(source), "ge": self.least}

    def __get_pydantic_json_schema__(self, form: Any, schema_of: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:  # noqa: ANN401 - pydantic's
        return {**schema_of(form), "description": self.description}


class Document:
    """A frozen dataclass that goes to JSON and back; pydantic reads it without unknown keys.

    Documents are equal, and print, by their fields. That stands here once, since the decorator would compile it anew
    for each of twenty classes, which takes longer than to load all else that a plan is made of.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]
    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid"}

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self._values(), strict=True))
        return f"{type(self).__qualname__}({fields})"

    def _values(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])


@dataclass_transform(frozen_default=True)
def document(defined: type[D]) -> type[D]:
    """Make a :class:`Document` the frozen dataclass that its fields say."""
    return dataclass(frozen=True, slots=True, eq=False, repr=False)(defined)
