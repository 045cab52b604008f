"""What a model file holds of a texture and of text columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from tablewright.generators.base import State
from tablewright.registry import resolve
from tablewright.systems.common.base import nested, part_of
from tablewright.systems.htdbu.text_columns import Texts
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.systems.htdbu.textures import Texture
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.io.model_file import Artefact


def stored_texture(
    texture: Texture, texts: Texts, reference: pl.DataFrame, own: Mapping[str, Any]
) -> Artefact:
    """Return a texture, text columns and the rows they were learned from, as data."""
    state = texture.generator.state()
    layout, arrays, frames = texture.layout.state()
    parts = [nested(f"text{k}", column.state()) for k, column in enumerate(texts.columns)]
    facts = {
        **own,
        "rows_columns": texts.schema.names,
        "layout": layout,
        "generator": dict(state.facts),
        "texts": [dict(part.facts) for part in parts],
    }
    arrays = {**arrays, "generator": dict(state.arrays)}
    frames = {**frames, "rows": texts.frame, "reference": reference}
    for part in parts:
        arrays |= part.arrays
        frames |= part.frames
    return Artefact(facts, arrays, frames)


def restored_texture(method: str, stored: Artefact) -> tuple[Texture, Texts]:
    """Make again what `stored_texture` returned; `method` names the generator."""
    facts = stored.facts
    layout = Layout.restore(facts["layout"], stored.arrays, stored.frames)
    columns = [layout.schema[name] for name in facts["rows_columns"]]
    schema = layout.schema.model_copy(update={"columns": columns})
    texts = tuple(
        TextColumn.restore(part_of(f"text{k}", replace(stored, facts=part)))
        for k, part in enumerate(facts["texts"])
    )
    state = State(facts["generator"], stored.arrays["generator"])
    generator = resolve("generators", method).restore(layout.codec.fields, state)
    borrowed = tuple(text.column for text in texts)
    return Texture(generator, layout), Texts(texts, stored.frames["rows"], schema, borrowed)
