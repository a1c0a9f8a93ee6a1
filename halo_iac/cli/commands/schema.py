"""``halo schema``: print a JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.load.json_schema import schema_text
from halo_iac.text import Document


class SchemaName(StrEnum):
    """What a schema describes."""

    PROJECT = "project"
    INCLUDE = "include"
    PLAN = "plan"
    RECEIPT = "receipt"

    @property
    def file_name(self) -> str:
        """Return the name under which the schema is committed."""
        return "halo.schema.json" if self is SchemaName.PROJECT else f"halo.{self}.schema.json"


def schema(
    ctx: typer.Context,
    name: Annotated[
        SchemaName, typer.Argument(metavar="NAME", help="Which schema: project, include, plan or receipt.")
    ] = SchemaName.PROJECT,
    _sandbox: options.SandboxAnywhere = False,
) -> int:
    """Print the JSON Schema of a project file.

    Pass `include`, `plan` or `receipt` for the schema of an included file, a saved plan or a line of a receipt.

    \b
    Examples:
      halo schema > halo.schema.json
      halo schema include > halo.include.schema.json
    """
    console: Console = ctx.obj
    console.print(Document(schema_text(name.file_name)))
    return 0
