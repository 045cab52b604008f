"""Diagnostics of a template and a texture on rows held out for it, for the loop of H-TDBU."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ConditionError, InputError, RuleError
from tablewright.metrics.learners import LEARNERS
from tablewright.metrics.scorer import Scorer, Utility
from tablewright.random_state import Stream
from tablewright.rules import Rules, bind, check_rules
from tablewright.rules.bound import BoundRule, ShareRule, Unique
from tablewright.schema import Schema
from tablewright.synthesizer.row_rules import RuleWarning, reference_rows
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.htdbu.candidates import Config, better_textures, relaxed_rules
from tablewright.systems.htdbu.feedback import Diagnostics, TuningTrace, tune
from tablewright.systems.htdbu.skeleton import SkeletonPlanner
from tablewright.systems.htdbu.skeleton_cells import Skeleton
from tablewright.systems.htdbu.synthesis import Synthesis
from tablewright.systems.htdbu.textures import Texture
from tablewright.threads import one_thread

HELD_OUT = 0.25
MIN_ROWS = 100
MAX_ROWS = 20_000
"""Rows written for one measurement at most."""

Learn = Callable[[Config, pl.DataFrame], Texture]
Columns = Callable[[Rules], Sequence[str]]


class Tuner:
    """Measures configs on validation rows, the same ones and the same random state each time.

    Parameters
    ----------
    real : DataFrame
        Real rows, typed.
    schema : Schema
        Their columns, but constants and identifiers.
    seed : int
    learn : callable
        Learns the texture of a config from some rows.
    columns : callable
        Columns of the skeleton under some rules.
    condition : bool, default=False
        Whether rows are conditioned on rules.
    validation : DataFrame or None, default=None
        Other real rows to read from; a quarter of `real` where None.

    Raises
    ------
    InputError
        If there are fewer than 100 rows.
    """

    def __init__(
        self,
        real: pl.DataFrame,
        schema: Schema,
        seed: int,
        learn: Learn,
        columns: Columns,
        *,
        condition: bool = False,
        validation: pl.DataFrame | None = None,
    ) -> None:
        if real.height < MIN_ROWS:
            raise InputError(
                f"the loop needs at least {MIN_ROWS} rows, and the table has {real.height}; "
                "leave loop out"
            )
        self.learn, self.columns, self.seed, self.condition = learn, columns, seed, condition
        if validation is None:
            held = _held_out(
                real, schema.target, np.random.default_rng([seed, Stream.HTDBU_VALIDATION])
            )
            real, validation = real.filter(~held), real.filter(held)
        self.train, self.validation = real, validation
        self.reference = reference_rows(
            self.train, np.random.default_rng([seed, Stream.HTDBU_VALIDATION_REFERENCE])
        )
        with one_thread():
            self.scorer = Scorer(
                self.train, schema, holdout=self.validation, seed=seed, learners=LEARNERS
            )
        self._textures: dict[str, Texture] = {}

    def run(
        self, config: Config, rounds: int, rewrite: Callable[[Rules], Rules | None] | None = None
    ) -> TuningTrace:
        """Change a config as long as it helps."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuleWarning)
            return tune(
                config,
                self.measure,
                lambda now: better_textures(now, self.train.height),
                lambda now: relaxed_rules(now, self._broken(now.rules), rewrite),
                rounds=rounds,
            )

    def measure(self, config: Config) -> Diagnostics:
        """Write rows under the rules as they are written, and read them."""
        texture = self._texture(config)
        schema = texture.layout.schema
        bound = bind(config.rules, schema, self.reference)
        x_rule, x_floor = self._asked(texture, bound)
        broken = _breaking([r for r in bound if _by_row(r) and _binding(r)], self.validation)
        hard = [rule for rule in bound if _by_row(rule) and rule.rule.hard]
        a_real = 1.0 - _breaking(hard, self.validation)
        try:
            result, rows = self._written(texture, config)
        except (RuleError, ConditionError) as error:
            worst = Diagnostics(x_floor, x_rule, broken, x_syn=1.0, u_real=1.0, v=1.0, c=1.0, a=0.0)
            return replace(worst, a_real=a_real, problem=str(error))
        with one_thread():
            usefulness = self._usefulness(rows.select(self.scorer.encoder.schema.names))
        requested = result.skeleton
        if not config.skeleton_first:
            requested = self._skeleton(texture, result.keeper.bound)
        diagnostics = Diagnostics(
            x_floor=x_floor,
            x_rule=x_rule,
            broken=broken,
            x_syn=requested.distance(rows),
            v=_breaking(hard, rows),
            a=result.acceptance,
            a_real=a_real,
        )
        return replace(diagnostics, **usefulness)

    def _usefulness(self, rows: pl.DataFrame) -> dict[str, Any]:
        """Return what a model learns of rows beside real ones, and whether it tells them apart."""
        scorer = self.scorer
        c = scorer.detection(rows).value
        if scorer.task is None:
            return {"c": c}
        measure = "auroc" if scorer.task.n_classes else "r2"
        real, written = scorer.utility(), scorer.utility(rows, alone=True)
        error = scorer.gain(written, over=real, measure=measure).error
        u_real, u_syn = (_use(utility, measure) for utility in (real, written))
        return {"c": c, "u_real": u_real, "u_syn": u_syn, "u_error": error}

    def _texture(self, config: Config) -> Texture:
        """Return the texture of a config, learned once."""
        columns = self.columns(config.rules) if config.skeleton_first else []
        options = sorted((name, repr(value)) for name, value in config.options.items())
        key = json.dumps([config.texture, options, list(columns)])
        if key not in self._textures:
            self._textures[key] = self.learn(config, self.train)
        return self._textures[key]

    def _written(self, texture: Texture, config: Config) -> tuple[Synthesis, pl.DataFrame]:
        columns = self.columns(config.rules) if config.skeleton_first else ()
        request = SampleRequest(
            min(self.train.height, MAX_ROWS), rules=config.rules, seed=self.seed
        )
        result = Synthesis(
            texture,
            self.train,
            self.reference,
            request,
            columns,
            condition=self.condition,
            as_written=True,
        )
        return result, pl.concat(list(result.blocks()))

    def _skeleton(self, texture: Texture, bound: Sequence[BoundRule]) -> Skeleton:
        columns = self.columns(Rules(rules=[rule.rule for rule in bound]))
        n_rows = min(self.train.height, MAX_ROWS)
        return SkeletonPlanner(self.train, texture.layout, bound, columns, n_rows).plan()

    def _asked(self, texture: Texture, bound: Sequence[BoundRule]) -> tuple[float, float]:
        """Return what rules that are no interventions want changed, and what chance changes."""
        open_rules = [rule for rule in bound if rule.rule.relaxable]
        try:
            plan = self._skeleton(texture, open_rules)
        except RuleError:
            return 1.0, 0.0
        parts = [plan.shares_of(rows) for rows in (self.train, self.validation)]
        floor = 0.5 * float(np.abs(parts[0] - parts[1]).sum())
        return plan.effect, floor

    def _broken(self, rules: Rules) -> Mapping[str, float]:
        """Return for each rule how far validation rows are from it."""
        report = check_rules(
            self.validation, bind(rules, self.scorer.encoder.schema, self.reference),
            self.scorer.encoder.schema,
        )  # fmt: skip
        return {result.name: result.rate for result in report.results}


def _use(utility: Utility, measure: str) -> float:
    """AUROC, 0.5 where it is not defined; or R², 0 where it is below."""
    value = utility.measures[measure]
    if measure == "r2":
        return max(value, 0.0)
    return 0.5 if value != value else value


def _by_row(rule: BoundRule) -> bool:
    return not isinstance(rule, ShareRule | Unique)


def _binding(rule: BoundRule) -> bool:
    return bool(rule.rule.hard and rule.rule.relaxable)


def _breaking(rules: Sequence[BoundRule], rows: pl.DataFrame) -> float:
    """Share of rows that break a rule."""
    if not rules or not rows.height:
        return 0.0
    return float(np.logical_or.reduce([rule.broken(rows) for rule in rules]).mean())


def _held_out(
    real: pl.DataFrame, target: str | None, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Mark a quarter of the rows, the same share of each class."""
    order = rng.permutation(real.height)
    if target is not None and real[target].n_unique() <= real.height // 10:
        ranks = real[target].cast(pl.String).rank("dense").fill_null(0).to_numpy()
        order = order[np.argsort(ranks[order], kind="stable")]
    marked = np.zeros(real.height, dtype=bool)
    marked[order[:: round(1 / HELD_OUT)]] = True
    return marked
