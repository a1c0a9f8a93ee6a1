"""`halo trace facets` and `halo span facets`: options → the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from halo_iac.api.traces import DEFAULT_VALUES, AttributeKey
from halo_iac.cli.context import CommandContext
from halo_iac.cli.traces.filters import read_known_names
from halo_iac.cli.traces.lists import facets_table
from halo_iac.errors import UsageError
from halo_iac.model.traces import FACETS
from halo_iac.render.json import document
from halo_iac.text import quote

_SCOPES = ("span", "resource")


class FacetOptions(NamedTuple):
    """The options: the facet to count, ``None`` for all, and the most values of each."""

    facet: Annotated[
        list[str] | None,
        typer.Option(
            "--facet",
            metavar="FACET",
            help="Only this facet, such as service_name; can be repeated or comma-separated.",
        ),
    ] = None
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search", metavar="FACET=TEXT", help="Only values that contain TEXT: llm_model_name=gpt; can be repeated."
        ),
    ] = None
    attribute_key: Annotated[
        str | None,
        typer.Option(
            "--attribute-key",
            metavar="SCOPE:KEY",
            help="Count the values of this attribute: span:tool.name or resource:host.name.",
        ),
    ] = None
    limit: Annotated[
        int, typer.Option("--limit", "-l", metavar="N", min=1, help="Maximum number of values of one facet.")
    ] = DEFAULT_VALUES


def show_facets(
    context: CommandContext, given: FacetOptions, filters: Mapping[str, Any], *, of_spans: bool = False
) -> int:
    """Request the facets of traces or spans, and write them."""
    console = context.console
    names = read_known_names(given.facet, "--facet", FACETS) or FACETS
    search, attribute = _parse_search(given.search or ()), _parse_attribute(given.attribute_key)
    found = context.connect_for_reading().trace_reader.facets(
        filters, of_spans=of_spans, facet_ids=names, search=search, attribute=attribute, limit=given.limit
    )
    console.print(document(found.wire) if console.wants_json else facets_table(found, console.out_style))
    return 0


def _parse_search(expressions: Sequence[str]) -> dict[str, str]:
    wanted = {}
    for expression in expressions:
        name, sign, text = (part.strip() for part in expression.partition("="))
        if not (name and sign and text):
            hint = "write it as FACET=TEXT, such as llm_model_name=gpt"
            raise UsageError(f"--search {quote(expression)} is not FACET=TEXT", hint=hint)
        read_known_names([name], "--search", FACETS)
        wanted[name] = text
    return wanted


def _parse_attribute(given: str | None) -> AttributeKey | None:
    if given is None:
        return None
    scope, _, key = (part.strip() for part in given.partition(":"))
    if scope not in _SCOPES or not key:
        hint = "write it as span:KEY or resource:KEY, such as span:tool.name"
        raise UsageError(f"--attribute-key {quote(given)} is neither span:KEY nor resource:KEY", hint=hint)
    return AttributeKey(scope, key)
