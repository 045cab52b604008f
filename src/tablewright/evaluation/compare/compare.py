"""Run methods against each other on the same splits, and judge the winner on other rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tablewright import __version__
from tablewright.errors import InputError
from tablewright.evaluation.compare.leaderboard import Comparison, Entry, command_line, make_entries
from tablewright.evaluation.compare.splits import (
    Split,
    inner_splits,
    outer_split,
    schema_of_training,
)
from tablewright.evaluation.compare.trial import (
    CONTROLS,
    Settings,
    Writer,
    method_writer,
    read_method,
    run_trial,
)
from tablewright.evaluation.evaluate import Report, evaluate
from tablewright.evaluation.evaluate.tables import without_groups
from tablewright.metrics.outcomes import choose_measure
from tablewright.registry import names
from tablewright.schema import Schema
from tablewright.systems import estimator
from tablewright.systems.common.base import Models

MIN_IN_FOLD = 3
"""Rows of a class in a fold below which its scores are noise."""

DEFAULT_METHODS = (
    *("trees", "forest", "boosted", "blend", "copula", "bayes-net", "independent", "smotenc"),
)
"""All that run on this machine but `calibrated`, which tunes one of them; boosted trees where
XGBoost is there."""
BALANCED_METHODS = ("trees:fill", "smotenc:fill")

Progress = Callable[[int, int, str], None]
"""Told how many trials are done, of how many, and which method was the last; at the start too."""


def compare(
    frame: pl.DataFrame,
    schema: Schema,
    *,
    methods: Sequence[str] | Mapping[str, Writer | None] | None = None,
    groups: str | None = None,
    time: str | None = None,
    measure: str | None = None,
    n_samples: int | None = None,
    sizes: Sequence[int] = (),
    n_splits: int = 5,
    n_repeats: int = 2,
    random_state: int = 0,
    n_jobs: int = 1,
    resume: str | Path | None = None,
    source: str = "TRAIN",
    progress: Progress | None = None,
    llm: Models = None,
    models: str = "",
    options: Callable[[str], Sequence[str]] | None = None,
    dry_run: bool = False,
) -> Comparison:
    """Find the method whose rows help a model of this table most.

    A quarter of the rows is set aside. On the others every method is cross-validated: its rows
    are made from the training part, added to it, and a model of both is judged on the other part,
    beside nothing added and the controls. The method with the best mean gain, fitted on all of
    these rows, is judged on the rows that were set aside; so the verdict is not that of a
    contest that it won by luck.

    Parameters
    ----------
    frame : polars DataFrame
        Real rows.
    schema : Schema
        Kinds of the columns, with a target.
    methods : sequence of str, mapping or None, default=None
        Generators and systems by name, ``"trees:equal"`` or ``"trees:fill"`` for balanced rows;
        or a mapping from name to a function that writes rows, None for a method of that name.
    groups : str or None, default=None
        Column of groups (patients, households): whole groups are on one side of a split.
    time : str or None, default=None
        Column of times: later rows are predicted from earlier ones.
    measure : str or None, default=None
        What is compared; macro-F1 for classes and R2 for numbers by default.
    n_samples : int or None, default=None
        Rows that each method adds; as many as it learns from where None.
    sizes : sequence of int, default=()
        Smaller numbers of training rows at which the contest is held too.
    n_splits, n_repeats : int
        Folds, and how often they are drawn.
    random_state : int, default=0
        Seed.
    n_jobs : int, default=1
        Processes. Functions of one's own are run in this one.
    resume : str, Path or None, default=None
        File of finished trials (JSON lines): trials in it are not run again, new ones are added.
    source : str, default="TRAIN"
        Name of the table in the command that is printed.
    progress : callable or None, default=None
        Called with the number of finished trials and of all, and the name of the last method; the
        first time before any is run.
    llm : LLM, mapping of str to LLM or None, default=None
        Models of the systems, by role; their local bodies work where None.
    models : str, default=""
        Names of these models: finished trials with others are not taken over.
    options : callable or None, default=None
        From the winner, a generator or system by name, to further options of the command that is
        printed, such as ``["--schema", "schema.yaml"]``.
    dry_run : bool, default=False
        For an estimate of what models take: they write the rows of the trials that `resume`
        lacks, and nothing is judged or stored. The comparison is empty.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there is no target, a method is unknown, or there are too few rows.
    """
    if n_samples is not None and n_samples < 1:
        raise InputError(f"n_samples: {n_samples} rows cannot be added; give 1 or more, or None")
    writers = _writers(methods, frame, schema, llm)
    others = [n for n, w in methods.items() if w] if isinstance(methods, Mapping) else []
    target, by = str(schema.target), dict[str, Any](groups=groups, time=time)
    listed = schema[target].kind.is_discrete
    chosen = choose_measure(measure, listed)
    outer = outer_split(frame, schema, random_state, **by)
    inside, outside = frame[outer.train], frame[outer.test]
    splits = inner_splits(
        inside, schema, random_state, n_splits=n_splits, n_repeats=n_repeats, **by
    )
    _check_sizes(sizes, min(len(split.train) for split in splits))
    settings = Settings(n_samples, models=models)
    judged = without_groups(schema, groups)
    inside, outside = inside.select(judged.names), outside.select(judged.names)
    contest = _Contest(inside, judged, splits, settings, random_state)
    jobs = [
        contest.job(name, i, size)
        for size in (0, *sizes)
        for name in (*CONTROLS, *writers)
        for i in range(len(splits))
    ]
    path = None if resume is None else Path(resume)
    if dry_run:
        contest.rehearse(jobs, writers, _read(path))
        return Comparison([], "nothing", None, "", chosen, {}, [])
    results = _run(contest, jobs, writers, n_jobs, path, progress)
    curves = {size: _board(results, size, splits, chosen) for size in sizes}
    entries = _board(results, 0, splits, chosen)
    winner = _winner(entries)
    writer = writers.get(winner)
    report = _outer_report(contest, outside, winner, writer, random_state, chosen)
    n_rows = n_samples or frame.height
    own = winner == "nothing" or winner in others
    more = () if own or options is None else options(read_method(winner)[0])
    command = "" if own else command_line(source, target, winner, n_rows, random_state, more)
    curves |= {entries[0].n_train: entries} if curves else {}
    notices = _few_of_a_class(frame[target], inside[target], n_splits) if listed else []
    table = None if source == "TRAIN" else Path(source).name
    facts = {"table": table, "target": target, "date": dt.date.today().isoformat()}
    return Comparison(entries, winner, report, command, chosen, curves, notices, facts)


def _writers(
    methods: Sequence[str] | Mapping[str, Writer | None] | None,
    frame: pl.DataFrame,
    schema: Schema,
    llm: Models,
) -> dict[str, Writer | None]:
    if schema.target is None:
        raise InputError("compare needs a target: the column that a model is to predict")
    if methods is None:
        methods = [
            *filter(_is_here, DEFAULT_METHODS),
            *(BALANCED_METHODS if _is_skewed(frame, schema) else ()),
        ]
    result = dict(methods) if isinstance(methods, Mapping) else dict.fromkeys(methods)
    for name, writer in result.items():
        if name in CONTROLS:
            raise InputError(f"method {name!r} is a control and always takes part: leave it out")
        if writer is not None:
            continue
        generator, _ = read_method(name)
        estimator(generator)
        if llm is not None and generator in names("systems"):
            result[name] = method_writer(name, llm)
    return result


def _is_here(method: str) -> bool:
    """Whether a method has the packages that it needs."""
    return method != "boosted" or find_spec("xgboost") is not None


def _is_skewed(frame: pl.DataFrame, schema: Schema) -> bool:
    assert schema.target is not None
    if not schema[schema.target].kind.is_discrete:
        return False
    counts = frame[schema.target].drop_nulls().unique_counts().to_numpy()
    return len(counts) > 1 and bool(counts.min() < 0.8 * counts.max())


def _check_sizes(sizes: Sequence[int], n_train: int) -> None:
    for size in sizes:
        if not 2 <= size <= n_train:
            raise InputError(
                f"sizes: {size} training rows are requested, and a split has {n_train}; give "
                f"numbers from 2 to {n_train}"
            )


@dataclass(frozen=True)
class _Job:
    """One method on one split; its key names everything that its result depends on."""

    method: str
    split: int
    size: int
    key: str


@dataclass(frozen=True)
class _Contest:
    """What every job needs; it is sent to the process that runs one."""

    frame: pl.DataFrame
    schema: Schema
    splits: Sequence[Split]
    settings: Settings
    random_state: int

    def job(self, method: str, split: int, size: int) -> _Job:
        facts = [method, size, self.random_state, self.settings.to_dict(), __version__]
        key = hashlib.sha256(self._digest)
        key.update(json.dumps([*facts, self.schema.to_yaml()], sort_keys=True).encode())
        key.update(self.splits[split].train.tobytes())
        return _Job(method, split, size, key.hexdigest()[:24])

    @cached_property
    def _digest(self) -> bytes:
        return bytes(self.frame.hash_rows(seed=0).to_numpy().tobytes())

    def run(self, job: _Job, writer: Writer | None) -> dict[str, Any]:
        split, seed = self._split(job)
        result = run_trial(self.frame, self.schema, split, job.method, seed, self.settings, writer)
        return {**asdict(job), **result}

    def rehearse(
        self,
        jobs: Sequence[_Job],
        writers: Mapping[str, Writer | None],
        done: Mapping[str, dict[str, Any]],
    ) -> None:
        """Have the rows written that models write; they are not judged."""
        for job in jobs:
            writer = writers.get(job.method)
            if job.key not in done and writer is not None:
                split, seed = self._split(job)
                train = self.frame[split.train]
                schema = schema_of_training(self.schema, train)
                writer(train, schema, self.settings.n_samples or train.height, seed)

    def _split(self, job: _Job) -> tuple[Split, int]:
        """Return the rows of a job, and its seed."""
        split, seed = self.splits[job.split], self.random_state * 1000 + job.split
        if job.size:
            indices = np.random.default_rng(seed).permutation(split.train)[: job.size]
            split = Split(np.sort(indices), split.test)
        return split, seed


def _run(
    contest: _Contest,
    jobs: Sequence[_Job],
    writers: Mapping[str, Writer | None],
    n_jobs: int,
    resume: Path | None,
    progress: Progress | None,
) -> list[dict[str, Any]]:
    done = _read(resume)
    matches = [done[job.key] for job in jobs if job.key in done]
    waiting = [job for job in jobs if job.key not in done]
    if progress is not None:
        progress(len(matches), len(jobs), "")
    if waiting and resume is not None:
        _end_last_line(resume)
    for i, result in enumerate(_results(contest, waiting, writers, n_jobs), len(matches) + 1):
        matches.append(result)
        if resume is not None:
            with resume.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
        if progress is not None:
            progress(i, len(jobs), str(result["method"]))
    return matches


def _results(
    contest: _Contest, jobs: Sequence[_Job], writers: Mapping[str, Writer | None], n_jobs: int
) -> Iterator[dict[str, Any]]:
    """Run jobs, those of other people's functions in this process."""
    apart = [job for job in jobs if n_jobs > 1 and writers.get(job.method) is None]
    if apart:
        with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(contest.run, job, None) for job in apart]
            for result in as_completed(waiting):
                yield result.result()
    for job in jobs:
        if job not in apart:
            yield contest.run(job, writers.get(job.method))


def _end_last_line(resume: Path) -> None:
    """End a line that a kill cut off, so that the next trial is not lost in it."""
    written = resume.read_bytes() if resume.exists() else b""
    if written and not written.endswith(b"\n"):
        with resume.open("a", encoding="utf-8") as file:
            file.write("\n")


def _read(resume: Path | None) -> dict[str, dict[str, Any]]:
    """Read finished trials; a line that was cut off while it was written is left out."""
    if resume is None or not resume.exists():
        return {}
    result = {}
    for line in resume.read_text(encoding="utf-8").splitlines():
        try:
            trial = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(trial, dict) and "key" in trial and "error" not in trial:
            result[str(trial["key"])] = trial
    return result


def _board(
    results: Sequence[dict[str, Any]], size: int, splits: Sequence[Split], measure: str
) -> list[Entry]:
    trials = sorted(
        (t for t in results if t["size"] == size), key=lambda t: (t["method"], t["split"])
    )
    n_train = size or round(float(np.mean([len(split.train) for split in splits])))
    n_test = round(float(np.mean([len(split.test) for split in splits])))
    return make_entries(trials, measure, CONTROLS, n_train, n_test)


def _winner(entries: Sequence[Entry]) -> str:
    """Name the best method of those whose gain an interval shows; without one, nothing."""
    shown = (e for e in entries if not e.is_control and e.interval and e.interval[0] > 0)
    return next((entry.method for entry in shown), "nothing")


def _few_of_a_class(whole: pl.Series, inside: pl.Series, n_splits: int) -> list[str]:
    """Name the classes of a table that have too few rows inside for a fold to test them."""
    counts = Counter(inside.drop_nulls().cast(pl.String))
    labels = sorted(set(whole.drop_nulls().cast(pl.String)), key=lambda c: (counts[c], c))
    return [
        f"class {label!r} has {counts[label]} of {len(inside)} rows, about "
        f"{counts[label] / n_splits:.1f} in each fold: whether its rows help cannot be tested"
        for label in labels
        if counts[label] < MIN_IN_FOLD * n_splits
    ]


def _outer_report(
    contest: _Contest,
    outside: pl.DataFrame,
    winner: str,
    writer: Writer | None,
    seed: int,
    measure: str,
) -> Report | None:
    """Fit the winner on all rows of the contest and judge it on those set aside."""
    if winner == "nothing":
        return None
    n_rows = contest.settings.n_samples or contest.frame.height
    schema = schema_of_training(contest.schema, contest.frame)
    result = (writer or method_writer(winner))(contest.frame, schema, n_rows, seed)
    return evaluate(
        contest.frame,
        result.rows,
        outside,
        schema=schema,
        measure=measure,
        random_state=seed,
        provenance={"method": winner, "options": {"balance": winner.partition(":")[2] or None}},
    )
