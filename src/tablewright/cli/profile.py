"""``tablewright profile``: what a table holds, and what looks wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli import options
from tablewright.cli.progress import show


@click.command()
@click.argument("table", type=options.path)
@options.target
@options.schema
@click.option(
    "--manifest", "manifests", multiple=True, type=options.path,
    help="Manifest of rows to look for; those beside TABLE where none is named.",
)  # fmt: skip
@options.written("--json", "json_file", help="Write it as JSON.")
@options.written(
    "--write-schema",
    "schema_out",
    help="Write what was inferred: schema.yaml, or SDV metadata where the name ends in .json.",
)
@options.encoding
@click.option("--quiet", is_flag=True, help="Print nothing.")
def profile(
    table: Path,
    target: str | None,
    schema_file: Path | None,
    manifests: tuple[Path, ...],
    json_file: Path | None,
    schema_out: Path | None,
    quiet: bool,
) -> None:
    """Say what TABLE holds, what looks wrong in it, and whether tablewright wrote rows of it.

    Of a model file of 'tablewright fit' it says which real rows and values are in it.
    """
    from tablewright.evaluation.profile import profile as make_profile
    from tablewright.evaluation.profile.rendering import print_profile
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.model_file import is_model_file
    from tablewright.tables.io.provenance import read_manifest
    from tablewright.tables.io.writing import write_text

    if is_model_file(table):
        show("\n".join(_model_lines(table)))
        return
    loaded = load_as_said(table, schema_file, target)
    named = [read_manifest(index) for index in manifests] or None
    result = make_profile(loaded.frame, loaded.schema, table, named)
    if json_file is not None:
        write_text(result.to_json() + "\n", json_file)
    if schema_out is not None:
        write_text(_schema_text(loaded.schema, schema_out), schema_out)
    if not quiet:
        print_profile(result)


def _model_lines(path: Path) -> list[str]:
    from tablewright.systems import load

    model = load(path)
    held = model.holdings() if hasattr(model, "holdings") else ["real rows"]
    learned = f"a model: {model.method_}, learned from {model.n_rows_:,} rows"
    return [learned, *(f"it holds {sentence}" for sentence in held)]


def _schema_text(schema: Any, path: Path) -> str:
    """Write a schema as YAML, or as SDV metadata where the file's name says JSON."""
    if path.suffix.lower() != ".json":
        return str(schema.to_yaml())
    import json

    from tablewright.tables.io.sdv_metadata import write_sdv

    return json.dumps(write_sdv(schema), indent=2, ensure_ascii=False) + "\n"
