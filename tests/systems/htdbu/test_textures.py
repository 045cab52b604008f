"""Which generator learns below the rules, and in what order it draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.generators.trees import SequentialTrees
from tablewright.rules import Rules
from tablewright.schema import Schema
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.htdbu.candidates import Config
from tablewright.systems.htdbu.synthesis import Synthesis
from tablewright.systems.htdbu.textures import OWN, learn_texture, make_model, texture_options

SCHEMA = Schema.build({"age": "integer", "mood": "categorical", "y": "categorical"}, target="y")


def table(n_rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "mood": rng.choice(["bad", "good"], n_rows),
            "y": rng.choice(["no", "yes"], n_rows, p=[0.75, 0.25]),
        }
    )


class Own:
    """A generator of somebody else."""

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth


@pytest.mark.parametrize(
    ("texture", "variant", "name", "options"),
    [
        (None, "default", "trees", {}),
        (None, "published", "forest", {}),
        ("copula", "published", "copula", {}),
        ({"min_samples_leaf": 9}, "default", "trees", {"min_samples_leaf": 9}),
        ({"method": "boosted", "n_trees": 4}, "default", "boosted", {"n_trees": 4}),
        (Own, "default", OWN, {}),
        ({"method": Own, "depth": 3}, "default", OWN, {"depth": 3}),
    ],
)
def test_a_texture_is_named_alone_or_with_its_parameters(
    texture: Any, variant: str, name: str, options: dict[str, Any]
) -> None:
    assert texture_options(texture, variant) == (name, options)


def test_an_object_of_ones_own_is_copied_and_a_class_gets_its_parameters() -> None:
    own = Own(5)
    made = make_model(Config(OWN), own)
    assert made is not own
    assert made.depth == 5
    assert make_model(Config(OWN, {"depth": 3}), {"method": Own, "depth": 3}).depth == 3
    with pytest.raises(InputError, match="texture 'copula'"):
        make_model(Config("copula", {"n_trees": 3}), None)


def test_the_target_is_drawn_first_then_the_skeleton() -> None:
    rng = np.random.default_rng(0)
    texture = learn_texture(SequentialTrees(), table(), SCHEMA, ["mood"], rng)
    assert texture.order[:2] == ["y", "mood"]
    assert set(texture.order) == set(SCHEMA.names)


def test_a_texture_learns_from_the_part_that_it_is_given() -> None:
    rows = table()
    young = rows.filter(pl.col("age") < 40)
    texture = learn_texture(SequentialTrees(), rows, SCHEMA, [], np.random.default_rng(0), young)
    made = Synthesis(texture, rows, rows, SampleRequest(100, seed=1))
    assert pl.concat(list(made.blocks()))["age"].max() < 40  # type: ignore[operator]  # a number


def test_classes_are_drawn_as_often_as_they_are_asked_for() -> None:
    rows = table()
    texture = learn_texture(SequentialTrees(), rows, SCHEMA, [], np.random.default_rng(0))
    request = SampleRequest(90, {"no": 30, "yes": 60}, rules=Rules(), seed=1)
    made = Synthesis(texture, rows, rows, request, ["y"])
    drawn = pl.concat(list(made.blocks()))
    assert dict(drawn["y"].value_counts().rows()) == {"no": 30, "yes": 60}
    assert made.acceptance == 1.0
    real = rows.filter(pl.col("y") == "yes").height / rows.height
    assert made.details["intervention_effect"] == pytest.approx(60 / 90 - real)


def test_cells_that_give_only_copies_are_replaced_by_others() -> None:
    real = pl.DataFrame(
        {"x": [float(k) for k in range(60)], "y": ["rare"] * 6 + ["often"] * 54}
    ).with_columns(x=pl.when(pl.col("y") == "rare").then(1.5).otherwise(pl.col("x")))
    schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    texture = learn_texture(SequentialTrees(), real, schema, ["y"], np.random.default_rng(0))
    made = Synthesis(texture, real, real, SampleRequest(60, seed=2), ["y"], copies=False)
    rows = pl.concat(list(made.blocks()))
    assert rows.height == 60
    repeated = real.group_by(real.columns).len().filter(pl.col("len") > 1)
    copies = rows.join(real, on=real.columns, how="semi")
    assert copies.join(repeated, on=real.columns, how="anti").height == 0
