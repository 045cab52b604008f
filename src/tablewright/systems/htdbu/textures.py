"""What learns a table below the rules of H-TDBU: which generator, and what it has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from inspect import isclass
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.generators.base import Generator, State
from tablewright.generators.plugin import as_generator
from tablewright.registry import resolve
from tablewright.schema import Schema
from tablewright.systems.common.base import nested, part_of
from tablewright.systems.htdbu.candidates import Config
from tablewright.systems.htdbu.text_columns import Texts
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.io.model_file import Artefact
from tablewright.threads import one_thread

PUBLISHED = "forest"
"""Texture of the published configuration; its defaults are the published limits (30 trees, 5,000
rows, 12 conditioning columns), as are those of ``boosted`` (80 trees, depth 6, 8,000 rows, 12)."""

OWN = "an object of your own"
"""Name of a texture that is given as an object."""


@dataclass(frozen=True)
class Texture:
    """What was learned of a table, apart from its template.

    Attributes
    ----------
    generator : Generator
    layout : Layout
        Its columns, those of the skeleton first.
    """

    generator: Generator
    layout: Layout

    @property
    def order(self) -> list[str]:
        """Columns as they are drawn."""
        columns = self.layout.codec.columns
        return [columns[j].name for j in self.generator.order]


def learn_texture(
    model: Any,
    frame: pl.DataFrame,
    schema: Schema,
    first: Sequence[str],
    rng: np.random.Generator,
    part: pl.DataFrame | None = None,
) -> Texture:
    """Learn a texture.

    Parameters
    ----------
    model : Generator or object with fit and sample
        Not yet fitted.
    frame : DataFrame
        Real rows, typed.
    schema : Schema
    first : sequence of str
        Columns of the skeleton; they lead the order after the target.
    rng : numpy Generator
    part : DataFrame or None, default=None
        The rows to learn from; all where None.
    """
    lead = [schema.target] if schema.target is not None else []
    names = dict.fromkeys([*lead, *first, *schema.names])
    ordered = schema.model_copy(update={"columns": [schema[name] for name in names]})
    layout = Layout.learn(frame.select(ordered.names), ordered)
    generator = as_generator(model, layout.codec)
    with one_thread():
        return Texture(generator.fit(layout.encode(frame if part is None else part), rng), layout)


def texture_options(texture: Any, variant: str) -> tuple[str, dict[str, Any]]:
    """Return the name of the texture that was asked for, and its parameters.

    Examples
    --------
    >>> texture_options({"method": "trees", "min_samples_leaf": 30}, "default")
    ('trees', {'min_samples_leaf': 30})
    >>> texture_options(None, "published")
    ('forest', {})
    """
    options = dict(texture) if isinstance(texture, Mapping) else {"method": texture}
    name = options.pop("method", None) or (PUBLISHED if variant == "published" else "trees")
    return (name if isinstance(name, str) else OWN), options


def make_model(config: Config, own: Any) -> Any:
    """Make the generator of a config, not yet fitted; `own` is the object that was given."""
    if config.texture == OWN:
        own = own["method"] if isinstance(own, Mapping) else own
        return own(**config.options) if isclass(own) else deepcopy(own)
    try:
        return resolve("generators", config.texture)(**config.options)
    except TypeError as error:
        raise InputError(f"texture {config.texture!r}: {error}") from error


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
