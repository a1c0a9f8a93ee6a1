"""Flattens OpenInference's attributes, which Phoenix nests: ``{"llm": {"model_name": …}}`` is ``llm.model_name``."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import to_json

_TEXTS: Final = frozenset({"metadata", "llm.prompt_template.variables", "llm.invocation_parameters", "tool.parameters"})
"""Attributes whose value is an object; OpenInference writes them as JSON texts."""


def flat(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes with OpenInference's keys; empty ones of tables are left out."""
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        _put(found, key, value)
    return found


def _put(found: dict[str, Any], key: str, value: object) -> None:
    if key in _TEXTS and isinstance(value, dict):
        found[key] = to_json(value).decode()
    elif isinstance(value, dict):
        for inner, held in value.items():
            _put(found, f"{key}.{inner}", held)
    elif isinstance(value, list) and any(isinstance(held, dict) for held in value):
        for number, held in enumerate(value):
            _put(found, f"{key}.{number}", held)
    elif value is not None:
        found[key] = value
