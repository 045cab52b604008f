"""H-TDBU: rules above, a cheap texture below, and a loop that knows which of the two to mend.

A template of rules says which cells of a few columns occur how often, and what rows may not be;
a generator that was learned once gives everything else. Who writes the rules is asked once,
whatever the number of rows.

References
----------
H-TDBU (arXiv:2605.28198), sections on templates, generators and the synthesis of rows. The
projection of the skeleton, validation of rules, repair, and the loop's thresholds are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from tablewright.errors import InputError
from tablewright.random_state import Stream
from tablewright.rules import Rules, Source, as_rules, to_json
from tablewright.rules.enforcement import Audit
from tablewright.rules.files import parse_rules
from tablewright.schema import Schema
from tablewright.synthesizer.auto import choose_method
from tablewright.synthesizer.parameters import OneOf
from tablewright.synthesizer.row_rules import RuleKeeper, reference_rows
from tablewright.systems.common.base import Models, System
from tablewright.systems.common.copy_gate import TOO_MANY
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.rule_writing.writer import WrittenRules
from tablewright.systems.htdbu.candidates import Config
from tablewright.systems.htdbu.feedback import ROUNDS, TuningTrace
from tablewright.systems.htdbu.skeleton import named_columns, skeleton_columns
from tablewright.systems.htdbu.skeleton_cells import Skeleton
from tablewright.systems.htdbu.synthesis import Synthesis
from tablewright.systems.htdbu.template import rewrite_template, write_template
from tablewright.systems.htdbu.text_columns import Texts
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.systems.htdbu.textures import (
    OWN,
    Texture,
    learn_texture,
    make_model,
    restored_texture,
    stored_texture,
)
from tablewright.systems.htdbu.textures import texture_options as options_of
from tablewright.systems.htdbu.tuning import Tuner
from tablewright.tables.io.model_file import Artefact


@dataclass(eq=False, repr=False)
class HTDBU(System):
    """Rows of a learned texture under a template of rules.

    Parameters
    ----------
    target : str or None, default=None
        The column that a model is to predict; it leads the skeleton.
    rules : path, list, mapping, Rules or None, default=None
        The template. None: rules that the model of the role ``"rules"`` writes, or, without
        one, hard rules that the miner finds.
    texture : str, mapping, generator or None, default=None
        What learns the table: a generator by name; its parameters with its name as "method", such
        as ``{"method": "trees", "min_samples_leaf": 30}``; ``"auto"`` to have one chosen; or an
        object with `fit` and `sample`, such as a CTGAN (`tablewright.generators.plugin`). None:
        ``"trees"``, or the published one.
    skeleton : "auto", list of str or None, default="auto"
        Columns of few values that are drawn first. ``"auto"``: the target, the columns that
        quotas and conditional shares name, and those of rules about the target. None: no column.
    enforce : {"intervene", "condition"}, default="intervene"
        Whether columns drawn early keep their distribution and later ones bend to the rules, or
        rows are distributed as the learned rows that keep the rules, at the cost of drawing more.
    texts : TextColumn, str, list of these or None, default=None
        Columns of texts with an attribute, which joins the skeleton; see `texts`. A
        row gets a real text with its attribute's value, or one that a model writes.
        ``"news:mood"`` stands for ``TextColumn("news", "mood")``, ``"news:mood:model"`` for
        texts by a model.
    llm : LLM, mapping of str to LLM or None, default=None
        Model of the roles ``"rules"`` and ``"text"``.
    variant : {"default", "published"}, default="default"
        ``"published"`` takes the random forest with the paper's limits.
    loop : bool or int, default=False
        Whether texture and rules are tuned on a quarter of the rows, held out for it; a number is
        that of changes at most, 4 where True. `trace_` has every step.
    schema : Schema, mapping, path or None, default=None
        What the columns mean; see `Synthesizer`.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    template_ : Rules
        The rules, as they were written.
    written_ : WrittenRules
        Who wrote them, and what was found of them on the real rows.
    trace_ : TuningTrace
        What the loop read, changed and undid; only with `loop`.
    texture_ : Texture
        What was learned; rules can be exchanged without learning it again.
    skeleton_, audit_ : Skeleton, Audit
        Of the last call of `sample`: shares wanted and what they change; what rules did to rows.
    result_ : Result
        What became of that call.

    Notes
    -----
    A fitted object, and the file that `save` writes, hold real values of the table.

    Examples
    --------
    >>> import warnings
    >>> rng = np.random.default_rng(0)
    >>> y, mood = rng.choice(["no", "yes"], 400), rng.choice(["bad", "fair", "good"], 400)
    >>> table = pl.DataFrame({"y": y, "mood": mood, "age": rng.integers(18, 90, 400)})
    >>> strict = {"kind": "implies", "if": "y = 'yes'", "then": "mood = 'good'",
    ...           "intervention": True}
    >>> quota = {"kind": "quota", "where": "age >= 80", "share": [0.25, 0.25]}
    >>> model = HTDBU("y", rules=[strict, quota], skeleton=["y", "mood"], random_state=0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # both change the table, and that is said
    ...     rows = model.fit(table).sample(200)
    >>> rows.filter(pl.col("y") == "yes")["mood"].unique().to_list(), (rows["age"] >= 80).sum()
    (['good'], 50)
    """

    name = "htdbu"
    roles = ("rules", "text")
    learns_rules = True
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "enforce": OneOf("intervene", "condition"),
    }

    target: str | None = None
    _: KW_ONLY
    rules: Any = None
    texture: Any = None
    skeleton: Any = "auto"
    enforce: str = "intervene"
    texts: str | TextColumn | Sequence[str | TextColumn] | None = None
    llm: Models = None
    variant: str = "default"
    loop: bool | int = False
    schema: Any = None
    sampling_strategy: Any = "auto"
    random_state: Any = None

    def _prepare(self) -> None:
        self.texts_ = Texts.fit(
            self.texts, self.train_, self.schema_, self._rng(Stream.HTDBU_TEXTS), self.model("text")
        )
        self.rows_, self.rows_schema_ = self.texts_.frame, self.texts_.schema
        model, rng = self.model("rules"), self._rng(Stream.HTDBU_RULES)
        self.written_ = write_template(self.rules, model, self.rows_, self.rows_schema_, rng)
        self.template_ = self.written_.rules
        self.reference_ = reference_rows(self.rows_, self._rng(Stream.HTDBU_REFERENCE))
        self._leading = self.skeleton or None
        self.synthesis_: Synthesis | None = None
        config = self._config()
        if self.loop:
            config = self._tuned(config)
            self.template_ = config.rules
            self._leading = (self.skeleton or "auto") if config.skeleton_first else None
        self.texture_name_ = config.texture
        self.texture_ = self._learn_texture(config)
        source = self.written_.source.value
        self.reason_ += f"; texture {config.texture}, {len(self.template_)} rules ({source})"

    @property
    def _modelled(self) -> Schema:
        """The columns that rows are made of: texts by their attributes."""
        return self.rows_schema_.model_copy(update={"columns": self.rows_schema_.modelled})

    def _learn_texture(self, config: Config, part: pl.DataFrame | None = None) -> Texture:
        """Learn the texture of a config, from all rows or a part of them."""
        model = make_model(config, self.texture)
        first = self._leading_columns(config.rules) if config.skeleton_first else []
        rng = self._rng(Stream.HTDBU_FIT)
        return learn_texture(model, self.rows_, self.rows_schema_, first, rng, part)

    def _config(self) -> Config:
        """Return what was asked for."""
        kind, options = options_of(self.texture, self.variant)
        if kind == "auto":
            choice = choose_method(self.rows_, self.rows_schema_, self._rng(Stream.HTDBU_CHOOSE))
            kind, self.reason_ = choice.method, f"{self.reason_}; texture {choice.reason}"
        return Config(kind, options, bool(self.skeleton), self.template_)

    def _tuned(self, config: Config) -> Config:
        """Let the loop change texture and rules, by a part of the rows that is held out."""
        tuner = Tuner(
            self.rows_, self._modelled, self.seed_, self._learn_texture, self._leading_columns,
            condition=self.enforce == "condition",
        )  # fmt: skip
        rounds = ROUNDS if self.loop is True else int(self.loop)
        rewrite = None if self.model("rules") is None else self._rewritten
        self.trace_: TuningTrace = tuner.run(config, rounds, rewrite)
        return self.trace_.end

    def _rewritten(self, rules: Rules) -> Rules | None:
        """Have the model write other rules."""
        model, rng = self.model("rules"), self._rng(Stream.HTDBU_RULES)
        assert model is not None
        return rewrite_template(rules, model, self.rows_, self._modelled, rng)

    def _leading_columns(self, rules: Rules) -> list[str]:
        """Return the columns that a skeleton has under a template, the target first."""
        requested = self.skeleton or "auto"
        if requested == "auto":
            return skeleton_columns(self.rows_schema_, rules, self.texts_.attributes)
        return named_columns(requested, self.rows_schema_)

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed_, stream])

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        template = self._template_of(request.own_rules)
        columns = [] if self._leading is None else self._leading_columns(template)
        if request.quotas is not None and self.rows_schema_.target not in columns:
            columns = [str(self.rows_schema_.target), *columns]
        before: RuleKeeper | None = None if self.synthesis_ is None else self.synthesis_.keeper
        self.synthesis_ = created = Synthesis(
            self.texture_, self.rows_, self.reference_, replace(request, rules=template),
            columns, before, condition=self.enforce == "condition", copies=False,
        )  # fmt: skip
        tuned = str(self.trace_).splitlines() if self.loop else []
        skeleton = created.skeleton
        texts = [note for column in self.texts_.columns for note in (column.note, *column.notes_)]
        for note in (*self.written_.notes, *tuned, *skeleton.notes, *skeleton.intended, *texts):
            result.note(note)
        result.details["texts"] = []
        for block, frame in enumerate(created.blocks()):
            result.n_proposed = max(created.n_drawn, result.n_proposed + frame.height)
            result.details.update(created.details)
            rows = self.texts_.write(
                frame, request.rng(Stream.HTDBU_TEXTS, block), self.model("text")
            )
            result.details["texts"] += self.texts_.told(rows)
            yield rows.select(self.writable_.names)
        for copies in created.rejected:
            result.reject(copies, "copies", [TOO_MANY] * copies.height)
        if created.rejected:
            result.note(
                f"in some cells of the skeleton the texture {self.texture_name_} gives only copies "
                "of real rows: take another texture, or fewer columns for the skeleton"
            )

    def _template_of(self, asked: Rules) -> Rules:
        """Return the rules of a call: other ones, or the template, as the loop left it."""
        same = self.rules is not None and to_json(asked) == to_json(as_rules(self.rules))
        return self.template_ if same or not len(asked) else asked

    @property
    def _made(self) -> Synthesis:
        check_is_fitted(self, "texture_")
        if self.synthesis_ is None:
            raise InputError("no rows were written yet: call sample first")
        return self.synthesis_

    @property
    def skeleton_(self) -> Skeleton:
        """Cells, their real shares and those wanted, in the last call of `sample`."""
        return self._made.skeleton

    @property
    def audit_(self) -> Audit:
        """What rules did to the rows of the last call of `sample`."""
        return self._made.audit

    # storing --------------------------------------------------------------------------

    def _stored_parameters(self, **changes: Any) -> dict[str, Any]:
        if self.texture_name_ == OWN:
            raise InputError("a texture that is an object of your own cannot be stored in a file")
        leading = None if self._leading is None else self.skeleton
        return {"texture": self.texture_name_, "skeleton": leading, "enforce": self.enforce}

    def _state(self) -> Artefact:
        own = {"template": to_json(self.template_), "source": self.written_.source.value}
        return stored_texture(self.texture_, self.texts_, self.reference_, own)

    def _restore(self, stored: Artefact) -> None:
        self.rules = self.template_ = parse_rules(stored.facts["template"])
        self.written_ = WrittenRules(self.template_, Source(stored.facts["source"]))
        self.texture_name_, self.synthesis_ = str(self.texture), None
        self.texture_, self.texts_ = restored_texture(self.texture_name_, stored)
        self.rows_, self.rows_schema_ = self.texts_.frame, self.texts_.schema
        self.reference_, self._leading = stored.frames["reference"], self.skeleton
