"""``halo model``: the models a schedule may name."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.render.json import document
from halo_iac.render.text.table import table

_HELP = """List the models that a schedule can use.

\b
Example:
  halo model list
"""

group = typer.Typer(name="model", help=_HELP, rich_markup_mode=None)


@group.command("list")
@group.command("ls", hidden=True)
@platform_command
def list_models(
    context: CommandContext,
    summarization: Annotated[
        bool, typer.Option("--summarization", help="List those eligible for `summarization_model_id` instead.")
    ] = False,
) -> int:
    """List the models eligible for `model_id`.

    \b
    Examples:
      halo model list
      halo model list --summarization
      halo model list --json
    """
    console = context.console
    reader = context.connect_for_reading().reader
    models = reader.eligible_summarization_models() if summarization else reader.eligible_models()
    if console.wants_json:
        console.print(document(models))
        return 0
    # The form of a model is not documented: id and name are shown if they are texts.
    rows = [
        (str(model.get("id", "")), str(model.get("name", ""))) if isinstance(model, dict) else (str(model), "")
        for model in models
    ]
    console.print(table(("ID", "NAME"), rows, console.out_style, uncut={"ID"}))
    if not rows:
        console.log(f"The platform lists no model eligible for {'summarization_' if summarization else ''}model_id.")
    return 0
