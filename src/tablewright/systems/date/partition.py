"""Cut a table into parts whose target one model predicts well, each part a rule.

DATE (arXiv 2512.21915), module 1: a search over conjunctions of predicates in which rules share a
model where it predicts their rows well enough. A leaf of one tree does for a part in the fast
partition. Differences from the published program, all for its faults: the error bound holds for
each part and not for the running mean, by rows that had no part in the search and with a limit for
all rules that were put to them; parts have a minimum size; a rule whose sharing index has changed
is queued anew; rows are counted by masks and never by value.
"""

from __future__ import annotations

import heapq
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from scipy.stats import beta, t
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tablewright.errors import InputError
from tablewright.markup import Markup, listing, panel
from tablewright.rules.expressions import parse
from tablewright.schema import Kind, Schema
from tablewright.systems.date.picture import picture
from tablewright.systems.date.questions import Floats, Mask, Predicate, Questions, grow
from tablewright.tables.io.writing import write_text

Rule = frozenset[Predicate]

MAX_FIT_ROWS = 4000
"""Rows of a candidate part that a model is tried on; more change its error by little."""
MAX_PREDICATES = 50
MAX_RULES = 300
REST = 0.01
N_TREES = 30
TREE_FALLS, SCREENS = 3, ((5, 2),)
"""By how much a forest's error is below that of the one tree that refines a rule, at most; and
trees of a part's forest, with how much the error of so few falls at most with all trees."""
_DEFAULT_BOUND = 0.9
_NOT_CUT = "the table was not cut: {} cuts it"
LEVEL = 0.1
"""How often a table may have a part that breaks its bound."""
JUDGE_SHARE = 0.25
"""Rows that have no part in the search, and judge what it proposes."""
_FOLDS = 4


@dataclass(frozen=True)
class Part:
    """Rows that one model predicts.

    Attributes
    ----------
    name : str
    rules : tuple of str
        Conditions; a row that meets one of them, and none of an earlier part, belongs here.
        Without a rule the part takes every row that is left.
    n_rows : int
        Learned rows in it.
    error, upper_error : float or None
        Error on rows that the part's model has not seen, and its limit, which those of all parts of
        a search keep together in nine of ten tables (of a tree, each for itself): one less
        accuracy, or the root mean squared error as a share of the target's standard deviation.
    """

    name: str
    rules: tuple[str, ...]
    n_rows: int
    error: float | None = None
    upper_error: float | None = None


@dataclass(frozen=True)
class Parts:
    """The parts of a table, in the order in which rows are given to them.

    Attributes
    ----------
    parts : tuple of Part
    note : str
        Why the table was not cut, as a sentence; "" where it was.

    Examples
    --------
    >>> parts = Parts((Part("part 1", ("age < 30",), 2), Part("rest", (), 1)))
    >>> schema = Schema.build({"age": "integer"})
    >>> parts.of(pl.DataFrame({"age": [20, 40, None]}), schema).tolist()
    [0, 1, 1]
    """

    parts: tuple[Part, ...]
    note: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def of(self, frame: pl.DataFrame, schema: Schema) -> NDArray[np.intp]:
        """Return the part of each row, -1 where it is in none."""
        result = np.full(frame.height, -1, dtype=np.intp)
        for index, part in enumerate(self.parts):
            inside = np.ones(frame.height, dtype=np.bool_)
            if part.rules:
                inside = np.any([parse(rule, schema).holds(frame) for rule in part.rules], axis=0)
            result[(result < 0) & inside] = index
        return result

    def to_list(self) -> list[dict[str, Any]]:
        """Return the parts as plain data."""
        return [
            {"name": part.name, "rules": list(part.rules), "rows": part.n_rows, "error": part.error}
            for part in self.parts
        ]

    def save(self, path: str | Path) -> None:
        """Write the parts as YAML that a person can edit."""
        listed = {"parts": self.to_list()}
        text = yaml.safe_dump(listed, sort_keys=False, allow_unicode=True, width=1000)
        write_text(text, Path(path))

    @classmethod
    def load(cls, path: str | Path, schema: Schema) -> Parts:
        """Read parts that `save` or a person wrote.

        Raises
        ------
        InputError
            If the file lists no parts, or a rule is no condition on these columns.
        """
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            first = str(error).splitlines()[0]
            raise InputError(f"{path}: not YAML ({first}); put rules in quotes") from None
        listed = data.get("parts") if isinstance(data, Mapping) else None
        if not isinstance(listed, list) or not listed:
            raise InputError(f"{path}: give a list of parts, each with a name and its rules")
        return cls.from_list(listed, schema, path)

    @classmethod
    def from_list(cls, listed: Sequence[Any], schema: Schema, source: str | Path = "") -> Parts:
        """Read parts from plain data."""
        return cls(tuple(_read_part(entry, k, source, schema) for k, entry in enumerate(listed)))

    def markup(self) -> list[Markup]:
        """Return a picture of the parts, and their table."""
        rows = (
            [part.name, part.n_rows, part.error, " or ".join(part.rules) or "all other rows"]
            for part in self
        )
        return [picture(self), listing(("part", "rows", "error", "rules"), rows)]

    def _repr_html_(self) -> str:
        return panel(f"{len(self)} parts", *self.markup())

    def __str__(self) -> str:
        lines = []
        for part in self.parts:
            error = "" if part.error is None else f", error {part.error:.3f}"
            lines.append(f"{part.name}: {part.n_rows:,} rows{error}")
            lines += [f"    {rule}" for rule in part.rules or ("all other rows",)]
        return "\n".join([*lines, self.note] if self.note else lines)


def _read_part(entry: Any, index: int, path: str | Path, schema: Schema) -> Part:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("rules", []), list):
        raise InputError(f"{path}: part {index + 1}: give a name and a list of rules")
    rules = tuple(str(rule) for rule in entry.get("rules", []))
    for rule in rules:
        parse(rule, schema)
    n_rows, error = entry.get("rows", 0), entry.get("error")
    if not isinstance(n_rows, int) or not isinstance(error, int | float | None):
        raise InputError(f"{path}: part {index + 1}: rows and error are numbers")
    return Part(str(entry.get("name", f"part {index + 1}")), rules, n_rows, error)


def partition(
    frame: pl.DataFrame,
    schema: Schema,
    *,
    method: Literal["rules", "tree"] = "rules",
    max_error: float | None = None,
    min_rows: int = 30,
    max_parts: int = 8,
    share: bool = True,
    seed: int = 0,
    time_limit: float = 60.0,
) -> Parts:
    """Cut a table into parts.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Typed rows.
    schema : Schema
        With a target of classes or numbers.
    method : {"rules", "tree"}, default="rules"
        The published search with shared models, or the leaves of one tree.
    max_error : float or None, default=None
        Error that a part's model may have (rho); None takes 0.9 of that of one model for all
        rows, cross-fitted. Only for ``"rules"``.
    min_rows : int, default=30
        Rows of a part at least.
    max_parts : int, default=8
        Leaves of the tree at most. Only for ``"tree"``.
    share : bool, default=True
        Whether several rules may share a model. Only for ``"rules"``.
    seed : int, default=0
    time_limit : float, default=60.0
        Seconds of CPU after which the search takes no more rules.

    Returns
    -------
    Parts
        The last one, without a rule, takes the rows that no rule describes.

    Raises
    ------
    InputError
        If there is no target of classes or numbers, or no column to ask about.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, group = rng.normal(size=600), rng.choice(["a", "b"], 600)
    >>> frame = pl.DataFrame({"x": x, "group": group, "y": np.where(group == "a", x > 0, x < 0)})
    >>> kinds = {"x": "continuous", "group": "categorical", "y": "boolean"}
    >>> schema = Schema.build(kinds, target="y")
    >>> print(partition(frame, schema, method="tree", max_parts=2, seed=0).parts[0].rules[0])
    x <= ...
    """
    task = _Task.of(frame, schema)
    if method == "tree":
        parts = _leaves(task, min_rows, max_parts, seed)
        why = (
            f"a tree finds no split with {min_rows} rows or more on both sides; a smaller min_rows"
        )
        return parts if len(parts) > 1 else replace(parts, note=_NOT_CUT.format(why))
    judges = _judges(len(task.y), seed)
    with config_context(skip_parameter_validation=True):  # of many small models
        whole = task.cross_fitted(np.flatnonzero(~judges), seed) if max_error is None else 0.0
        bound = _DEFAULT_BOUND * whole if max_error is None else max_error
        parts = _Search(task, judges, bound, min_rows, seed, share).run(time_limit)
    if len(parts) > 1:
        return parts
    if parts.parts[0].error is not None:
        why = f"one model keeps the error bound of {bound:.3g} for all rows; a smaller max_error"
    elif max_error is None and whole == 0:
        why = "one model errs in none of the rows that were held out; method='tree'"
    else:
        origin = "" if max_error is not None else (
            f", {_DEFAULT_BOUND} times the {whole:.3g} of one model for all rows"
        )  # fmt: skip
        why = (
            f"no rule of {min_rows} rows or more was found whose model surely (90 %, for all rules "
            f"together) errs by no more than {bound:.3g}{origin}; a larger max_error or "
            "method='tree'"
        )
    return replace(parts, note=_NOT_CUT.format(why))


def asked_columns(schema: Schema) -> list[str]:
    """Return the columns that rules may be about."""
    return [
        column.name for column in schema.modelled
        if column.name != schema.target
        and (column.kind in (Kind.CONTINUOUS, Kind.INTEGER) or column.kind.is_discrete)
    ]  # fmt: skip


def _judges(n_rows: int, seed: int) -> Mask:
    """Draw the rows that have no part in the search."""
    order = np.random.default_rng([seed, n_rows]).permutation(n_rows)
    judges: Mask = order < n_rows * JUDGE_SHARE
    return judges


@dataclass(frozen=True)
class _Trial:
    """A model that was fitted to some rows of a rule, and its losses on others of them."""

    model: Any
    losses: Floats


@dataclass
class _Task:
    """What the parts are about: questions on the columns, and the target."""

    questions: Questions
    y: Floats
    classes: bool
    spread: float

    @classmethod
    def of(cls, frame: pl.DataFrame, schema: Schema) -> _Task:
        target = schema.target
        if target is None or not (
            schema[target].kind.is_discrete or schema[target].kind.is_numeric
        ):
            raise InputError(
                "partition: name the target, a column of classes or numbers (target=...)"
            )
        known = frame.filter(pl.col(target).is_not_null())
        asked = asked_columns(schema)
        if not asked or known.height < 2:
            raise InputError("partition: there is no column, or too few rows, to make rules of")
        questions = Questions(known, schema, asked)
        values = known[target]
        if schema[target].kind.is_discrete:
            codes = values.cast(pl.String).rank("dense").cast(pl.Float64).to_numpy() - 1
            return cls(questions, codes, True, 1.0)
        numbers = values.cast(pl.Float64).to_numpy()
        return cls(questions, numbers, False, float(numbers.std()) or 1.0)

    def trial(
        self,
        rows: NDArray[np.intp],
        rule: Rule,
        seed: int,
        promises: Callable[[Floats], bool] | None = None,
        tree: Any = None,
    ) -> _Trial | None:
        """Fit a forest to three quarters of some rows, and try it on the others.

        None where its losses promise nothing, which one tree of the same rows or a few of the
        forest often show early.
        """
        fit, rest, state = self._halves(rows, rule, seed)
        if promises and tree is not None and not promises(self.losses(tree, rest) / TREE_FALLS):
            return None
        forest = self._forest(state, warm_start=True)
        for n_trees, factor in (*SCREENS, (N_TREES, 1)):
            forest.set_params(n_estimators=n_trees).fit(*self._learned(fit))
            losses = self.losses(forest, rest)
            if promises and not promises(losses / factor):
                return None
        return _Trial(forest, losses)

    def cross_fitted(self, rows: NDArray[np.intp], seed: int) -> float:
        """Return the error of one model for all rows, each predicted by a forest of others."""
        rows = np.random.default_rng([seed, len(rows)]).permutation(rows)[:MAX_FIT_ROWS]
        losses = np.ones(len(rows))
        fold = np.arange(len(rows)) % _FOLDS
        for k in range(min(_FOLDS, len(rows)) if len(rows) > 1 else 0):
            forest = self._forest(seed, n_estimators=N_TREES)
            forest.fit(*self._learned(rows[fold != k]))
            losses[fold == k] = self.losses(forest, rows[fold == k])
        return self.error(losses)[0]

    def _forest(self, state: int, **options: Any) -> Any:
        kind = RandomForestClassifier if self.classes else RandomForestRegressor
        return kind(random_state=state, min_samples_leaf=2, **options)

    def losses(self, model: Any, rows: NDArray[np.intp]) -> Floats:
        """Return the loss of each row that a model predicts."""
        return self.wrong(model.predict(self.questions.matrix[rows]), rows)

    def proposal(self, rows: NDArray[np.intp], rule: Rule, seed: int) -> Any:
        """Grow the tree whose splits refine a rule."""
        fit, _, state = self._halves(rows, rule, seed)
        leaves = MAX_PREDICATES // 2 + 1
        known = self._learned(fit)
        return grow(*known, self.classes, max_leaf_nodes=leaves, random_state=state)

    def _halves(
        self, rows: NDArray[np.intp], rule: Rule, seed: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        # The draw hangs on the rule alone, so that the order of the search does not matter.
        rng = np.random.default_rng([seed, zlib.crc32(repr(sorted(rule)).encode())])
        rows = rng.permutation(rows)[:MAX_FIT_ROWS]
        cut = max(1, len(rows) * 3 // 4)
        return rows[:cut], rows[cut:], int(rng.integers(2**31))

    def _learned(self, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        return self.questions.matrix[rows], self.y[rows]

    def wrong(self, predicted: Floats, rows: NDArray[np.intp]) -> Floats:
        """Return the loss of each row: 1 for a wrong class, or the squared scaled residual."""
        if self.classes:
            missed: Floats = (predicted != self.y[rows]).astype(np.float64)
            return missed
        scaled: Floats = (predicted - self.y[rows]) / self.spread
        return scaled * scaled

    def least_error(self, n_rows: int, level: float = LEVEL) -> float:
        """Return the upper error of so many rows that are all predicted rightly."""
        return self.error(np.zeros(n_rows), level)[1]

    def error(
        self, losses: Floats, level: float = LEVEL, n_rows: int | None = None
    ) -> tuple[float, float]:
        """Return the error of some rows, and its upper limit, exceeded in `level` of tables.

        Where a number is given, the limit is that of so many rows that err as often as these.
        """
        n_rows = len(losses) if n_rows is None else n_rows
        if not len(losses) or not n_rows:
            return 1.0, 1.0
        mean = float(losses.mean())
        if self.classes:
            n_wrong = round(mean * n_rows)
            limit = 1.0 if n_wrong == n_rows else beta.ppf(1 - level, n_wrong + 1, n_rows - n_wrong)
            return mean, float(limit)
        spread = float(losses.std(ddof=1)) / n_rows**0.5 if len(losses) > 1 else mean
        return mean**0.5, float(mean + t.isf(level, max(n_rows - 1, 1)) * spread) ** 0.5


def _leaves(task: _Task, min_rows: int, max_parts: int, seed: int) -> Parts:
    """Make a part of each leaf of one tree, the largest first."""
    tree = grow(
        task.questions.matrix, task.y, task.classes,
        max_leaf_nodes=max(2, max_parts), min_samples_leaf=min_rows, random_state=seed,
    )  # fmt: skip
    result = []
    for path in task.questions.paths(tree.tree_).values():
        rows = np.flatnonzero(task.questions.holds(path))
        trial = task.trial(rows, frozenset(path), seed)
        assert trial is not None  # nothing was to be promised
        rules = (task.questions.text(path),) if path else ()
        result.append(Part("", rules, len(rows), *task.error(trial.losses)))
    result.sort(key=lambda part: -part.n_rows)
    named = [replace(part, name=f"part {k + 1}") for k, part in enumerate(result)]
    return Parts((*named, Part("rest", (), 0)) if len(named) > 1 else tuple(named))


@dataclass
class _Shared:
    """A model, its losses on all rows, and the rules that share it."""

    losses: Floats
    residuals: Floats
    rules: list[Rule] = field(default_factory=list)
    n_rows: int = 0
    error: float = 0.0
    upper_error: float = 0.0


class _Search:
    """The queue of rules, the rows that are left, and the models that have been accepted.

    Rules are proposed and models fitted by rows that do not judge. The k-th test that fails spends
    1 / (k (k + 1)) of the level, and one that passes spends nothing: over all tests, however many
    there are, a part that breaks the bound is accepted in that share of tables at most.
    """

    def __init__(
        self, task: _Task, judges: Mask, max_error: float, min_rows: int, seed: int, share: bool
    ) -> None:
        self.task, self.judges, self.max_error, self.min_rows = task, judges, max_error, min_rows
        self.seed, self.share = seed, share
        self.left: Mask = np.ones(len(task.y), dtype=np.bool_)
        self.models: list[_Shared] = []
        self.index: dict[Rule, float] = {frozenset(): 0.0}
        self.queue: list[tuple[float, int, Rule]] = [(0.0, 0, frozenset())]
        self.done: set[Rule] = set()
        self._masks: dict[Predicate, Mask] = {}
        self._count = self._n_visits = self.n_failed = 0

    def run(self, time_limit: float) -> Parts:
        start = time.process_time()
        while self.queue and self._n_visits < MAX_RULES:
            if self.left.mean() <= REST or time.process_time() - start > time_limit:
                break
            priority, _, rule = heapq.heappop(self.queue)
            if rule in self.done or -priority != self.index[rule]:
                continue  # a later entry of the same rule has another index
            self.done.add(rule)
            rows = np.flatnonzero(self._mask(rule) & self.left)
            if len(rows) >= self.min_rows and self._can_be_taken(rows):
                self._n_visits += 1
                self._visit(rule, rows)
        return self._parts()

    @property
    def level(self) -> float:
        """How often the next test may accept what breaks the bound."""
        return LEVEL / ((self.n_failed + 1) * (self.n_failed + 2))

    def _can_be_taken(self, rows: NDArray[np.intp]) -> bool:
        """Return whether so few rows can keep the bound, with no error at all."""
        n_judges = int(self.judges[rows].sum())
        return (
            len(rows) - n_judges >= _FOLDS
            and self.task.least_error(n_judges, self.level) <= self.max_error
        )

    def _visit(self, rule: Rule, rows: NDArray[np.intp]) -> None:
        """Give the rows to a model that predicts them, or a new one, or refine the rule."""
        task, judges = self.task, rows[self.judges[rows]]
        searched = rows[~self.judges[rows]]
        promises = partial(self._promises, n_judges=len(judges))
        known = sorted(self.models, key=lambda one: float(one.losses[searched].mean()))[:1]
        for shared in known if self.share else ():
            if promises(shared.losses[searched]) and (kept := self._kept(shared.losses[judges])):
                self._take(shared, rule, rows, *kept)
                return
        tree = task.proposal(searched, rule, self.seed)
        trial = task.trial(searched, rule, self.seed, promises, tree)
        if trial is not None and (kept := self._kept(task.losses(trial.model, judges))):
            predicted = trial.model.predict(task.questions.matrix)
            losses = task.wrong(predicted, np.arange(len(task.y)))
            self.models.append(_Shared(losses, task.y - predicted))
            self._take(self.models[-1], rule, rows, *kept)
            return
        self._refine(rule, searched, tree.tree_)

    def _promises(self, losses: Floats, n_judges: int) -> bool:
        """Return whether the judging rows would pass if they were predicted as well as others."""
        return self.task.error(losses, self.level, n_judges)[1] <= self.max_error

    def _kept(self, losses: Floats) -> tuple[float, float] | None:
        """Return error and limit of judging rows; None, at its price, where above the bound."""
        error, upper = self.task.error(losses, self.level)
        if upper > self.max_error:
            self.n_failed += 1
            return None
        return error, upper

    def _take(
        self, shared: _Shared, rule: Rule, rows: NDArray[np.intp], error: float, upper: float
    ) -> None:
        total = shared.n_rows + len(rows)
        shared.error = (shared.error * shared.n_rows + error * len(rows)) / total
        shared.upper_error = max(shared.upper_error, upper)
        shared.n_rows = total
        shared.rules.append(rule)
        self.left[rows] = False

    def _refine(self, rule: Rule, rows: NDArray[np.intp], tree: Any) -> None:
        """Queue the rule with each split of its tree added, by how shareable its rows are."""
        index = self._sharing_index(rows)
        for node in _breadth_first(tree)[: MAX_PREDICATES // 2]:
            for above in (True, False):
                longer = rule | {self.task.questions.predicate(tree, node, above)}
                if longer not in self.done and self.index.get(longer) != index:
                    self.index[longer] = index
                    self._count += 1
                    heapq.heappush(self.queue, (-index, self._count, longer))

    def _sharing_index(self, rows: NDArray[np.intp]) -> float:
        """Return the largest share of rows that a model predicts, numbers up to an offset."""
        shares = [0.0]
        for shared in self.models:
            if self.task.classes:
                shares.append(float((shared.losses[rows] == 0).mean()))
            else:
                residuals = shared.residuals[rows] / self.task.spread
                offset = (residuals.min() + residuals.max()) / 2
                shares.append(float((np.abs(residuals - offset) <= self.max_error).mean()))
        return max(shares)

    def _mask(self, rule: Rule) -> Mask:
        mask = np.ones(len(self.task.y), dtype=np.bool_)
        for predicate in rule:
            if predicate not in self._masks:
                self._masks[predicate] = self.task.questions.holds([predicate])
            mask &= self._masks[predicate]
        return mask

    def _parts(self) -> Parts:
        result = [
            Part(
                f"part {k + 1}",
                tuple(self.task.questions.text(rule) for rule in shared.rules if rule),
                shared.n_rows, shared.error, shared.upper_error,
            )
            for k, shared in enumerate(self.models)
        ]  # fmt: skip
        rest = int(self.left.sum())
        whole = any(not part.rules for part in result)
        return Parts(tuple(result) if whole else (*result, Part("rest", (), rest)))


def _breadth_first(tree: Any) -> list[int]:
    """Return the inner nodes of a tree, level by level."""
    result: list[int] = []
    todo: Sequence[int] = [0]
    while todo:
        inner = [node for node in todo if tree.children_left[node] >= 0]
        result += inner
        todo = [
            int(child)
            for node in inner
            for child in (tree.children_left[node], tree.children_right[node])
        ]
    return result
