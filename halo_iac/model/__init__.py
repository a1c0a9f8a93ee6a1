"""The values that all parts share: frozen, without I/O and without a clock.

``schedule`` is the comparable form of both sides and has the table of fields; ``project`` is what people declare,
``remote`` what the platform holds, ``plan`` what would change, ``finding`` what a rule has found, ``apply_result`` what
came of an apply, ``receipt`` what is kept of that, and ``runs`` the runs and reports that a schedule makes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Described(NamedTuple):
    """What a field of a document is, for its JSON Schema: pydantic's ``Field``, without importing pydantic."""

    description: str

    def __get_pydantic_json_schema__(self, form: Any, schema_of: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:  # noqa: ANN401 - pydantic's
        return {**schema_of(form), "description": self.description}


def document(**others: object) -> dict[str, object]:
    """Return how pydantic reads a value that goes to JSON and back: without unknown keys.

    A plain mapping: most commands never have pydantic read one, and to import it takes longer than they do.
    """
    return {"extra": "forbid", **others}
