"""The arms of the Team-then-Trim paper with equal rows, as there; some with equal calls beside.

Each arm adds rows to the real ones, as many as the team's batches hold; four learners of
scikit-learn are tested on 500 real rows. `--model none` lets the systems work without a language
model, `stand-in` asks a simulator that draws from 1,000 rows of the population and has moderate
faults, any other name asks that model (`--base-url`), which is what the paper did.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import cpu_seconds
from benchmarks.papers.runs import Log, Run, command_line, interval, markdown, write
from benchmarks.systems.cases import Case, Drawn, flip
from benchmarks.systems.published import PUBLISHED
from benchmarks.systems.scoring import likeness, usefulness
from benchmarks.systems.trial import FAULTS, Made, Remembering, Trial, spent
from tablewright.errors import ModelError
from tablewright.selection.cost_band import CostBand
from tablewright.selection.diversity import Diversity
from tablewright.selection.information import InformationGain
from tablewright.tables.inference.casting import typed
from tablewright.testing import StandIn

FOLDER = Path(__file__).parent
KEYS = ("case", "seed", "arm", "model")
PEERS = ("TVAE", "CTGAN")


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    seeds: int
    sizes: Sequence[int] = ()
    data: Path | None = None
    model: str = "stand-in"
    base_url: str | None = None
    peers: str | None = None
    batches: int | None = None
    first: int = 0
    arms: Sequence[str] = ()
    groups: Sequence[str] = ()
    minutes: float | None = None
    replies: Path | None = None
    deadline: float = inf

    @property
    def numbers(self) -> range:
        """The seeds."""
        return range(self.first, self.first + self.seeds)


def costs() -> list[Any]:
    """Return the published cost assessment: the band with real rows, then the information gain."""
    return [CostBand(include_bootstrap=True, real_costs="in_sample"),
            InformationGain(update="frozen")]  # fmt: skip


def all_gates(trial: Trial) -> Made:
    """Send the team's rows through all published gates."""
    return trial.gate(*costs(), Diversity("percentile", assigner="mlp"))


ARMS: Mapping[str, Callable[[Trial], Made]] = {
    "D_ori": lambda t: (t.drawn.train.clear(), None),
    "SMOTE": lambda t: t.local("smotenc"),
    "TVAE": lambda t: t.peer("TVAE"),
    "CTGAN": lambda t: t.peer("CTGAN"),
    "CLLM": lambda t: t.cllm(variant="published"),
    "EPIC": lambda t: t.epic(variant="published"),
    "T2": all_gates,
    "one prompt": lambda t: t.cllm(curate=False),
    "teaming": lambda t: t.team(),
    "teaming, SC": lambda t: t.gate(),
    "teaming, SC + CA": lambda t: t.gate(*costs()),
    "T2, system": lambda t: t.whole("published"),
    "CLLM, default": lambda t: t.cllm(),
    "EPIC, default": lambda t: t.epic(),
    "T2, default": lambda t: t.whole("default"),
    "one prompt, calls": lambda t: t.cllm_by_calls(curate=False),
    "CLLM, calls": lambda t: t.cllm_by_calls(),
    "EPIC, calls": lambda t: t.epic_by_calls(),
    "weak manager": lambda t: t.weak("manager"),
    "weak workers": lambda t: t.weak("worker", "label"),
}
MAIN = ("D_ori", "SMOTE", "TVAE", "CTGAN", "CLLM", "EPIC", "T2", "T2, system", "CLLM, default",
        "EPIC, default", "T2, default")  # fmt: skip
PUBLISHED_NAMES = {
    "D_ori": "real alone", "SMOTE": "SMOTE", "TVAE": "TVAE", "CTGAN": "CTGAN", "CLLM": "CLLM",
    "EPIC": "EPIC", "T2": "team + trim",
}  # fmt: skip
Cell = Callable[[Sequence[Run]], str]


@dataclass(frozen=True)
class Spec:
    """One table or figure.

    Attributes
    ----------
    cases : callable
        From what was asked to the cases of each group; figures of a group are means over them.
    measures : sequence of str
        Columns of each group.
    published : mapping
        By group and measure, the figure of each arm; figures of plots are not in the text.
    partial : bool
        Whether a seed counts though it lacks a figure for some of a group's cases.
    lengthwise : bool
        Whether groups are rows and arms are columns; of the first measure alone.
    """

    name: str
    title: str
    about: str
    cases: Callable[[Asked], Mapping[str, Sequence[Case]]]
    measures: Sequence[str]
    arms: Sequence[str] = MAIN
    against: str = "D_ori"
    gain: str | None = "AUC"
    published: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    sizes: Sequence[int] = ()
    seeds: int = 10
    partial: bool = False
    lengthwise: bool = False


def published(groups: Mapping[str, str]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the published figures of groups, by the name of their case."""
    return {
        group: {
            arm: {m: v for m, v in PUBLISHED[case][name].items() if v is not None}
            for arm, name in PUBLISHED_NAMES.items()
        }
        for group, case in groups.items()
    }


def trial(case: Case, seed: int, asked: Asked) -> Trial:
    """Draw a case, and make its model."""
    drawn = case.draw(seed)
    model: Any = None
    if asked.model == "stand-in":
        model = Remembering(StandIn(drawn.population, schema=drawn.schema, faults=FAULTS))
    elif asked.model != "none":
        from tablewright.llm import connect

        run = asked.replies and asked.replies / f"{case.name}, seed {seed}".replace(":", "-")
        minutes = None if asked.minutes is None else max(0.1, (asked.deadline - monotonic()) / 60)
        model = connect(asked.model, asked.base_url, share="rows", run=run, max_minutes=minutes)
    return Trial(case, seed, drawn, model, asked.peers)


def scores(case: Case, drawn: Drawn, made: pl.DataFrame, seed: int) -> dict[str, Any]:
    """Measure rows: to learn from, on clean and on turned test labels, and beside real ones."""
    made = typed(made, drawn.schema).cast(dict(drawn.train.schema))  # type: ignore[arg-type]  # polars takes names
    together, test = pl.concat([drawn.train, made]), drawn.test
    result: dict[str, Any] = usefulness(together, test, drawn.schema, seed)
    if "flipped" in case.name:
        share = float(case.name.split("flipped ")[1].split(",")[0])
        turned = flip(test, str(drawn.schema.target), share, np.random.default_rng([seed, 9]))
        turned = turned.cast(dict(test.schema))  # type: ignore[arg-type]  # polars takes names
        found = usefulness(together, turned, drawn.schema, seed)
        result |= {f"{name}, turned": value for name, value in found.items()}
    if made.height >= 20:
        result |= likeness(made, drawn.train, test, drawn.schema, seed)
    if "juv_fel_count" in made.columns and made.height:
        broken = made["priors_count"] < made["juv_fel_count"]
        result["breaks priors >= felonies"] = 100 * float(broken.sum() / made.height)
    return {name: None if v is None else round(float(v), 3) for name, v in result.items()}


def chosen(spec: Spec, asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return the groups asked for, all where none are named."""
    groups = spec.cases(asked)
    unknown = set(asked.groups) - set(groups)
    if unknown:
        raise SystemExit(f"no group {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
    return {name: [cut(case, asked.batches) for case in cases] for name, cases in groups.items()
            if not asked.groups or name in asked.groups}  # fmt: skip


def cut(case: Case, batches: int | None) -> Case:
    """Return a case with fewer batches, under a name of its own, where some are asked for."""
    if batches is None:
        return case
    return replace(case, name=f"{case.name}, {batches} batches", batches=batches)


def short(model: str) -> str:
    """Return the name of a model; of a model file that of the file alone."""
    return Path(model.removeprefix("gguf:").partition("?")[0]).stem if "gguf:" in model else model


def measured(spec: Spec, asked: Asked, log: Log) -> Iterator[Run]:
    """Run what is missing while there is time; return all runs of a spec."""
    groups = chosen(spec, asked)
    for seed in asked.numbers:
        for case in (case for cases in groups.values() for case in cases):
            there: Trial | None = None
            for arm in spec.arms:
                key = {"case": case.name, "seed": seed, "arm": arm, "model": asked.model}
                left_out = (asked.arms and arm not in asked.arms) or monotonic() > asked.deadline
                if left_out or (arm in PEERS and asked.peers is None) or log.has(**key):
                    continue
                there = there or trial(case, seed, asked)
                found = run(there, arm)
                if monotonic() < asked.deadline:  # later, a cap may have ended it
                    log.add({**key, **found})
                    print(*key.values(), flush=True)
    names = {case.name for cases in groups.values() for case in cases}
    for line in log.runs:
        fits = line["case"] in names and line["arm"] in spec.arms
        if fits and line["model"] == asked.model and line["seed"] in asked.numbers:
            yield line


def run(there: Trial, arm: str) -> Run:
    """Make the rows of an arm, and measure them."""
    start = cpu_seconds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows, doubt and gates that keep nothing are the case
        made, system = ARMS[arm](there)
    seconds = cpu_seconds() - start
    found = scores(there.case, there.drawn, made, there.seed)
    bill = {key: value for key, value in spent(system).items() if key != "bill"}
    roles = {} if system is None else json.loads(spent(system)["bill"])
    return {"rows": made.height, **bill, "roles": roles, "making": round(seconds, 3),
            "seconds": round(cpu_seconds() - start, 2), "scores": found}  # fmt: skip


def by_seed(
    runs: Sequence[Run], cases: Sequence[Case], arm: str, measure: str, partial: bool = False
) -> dict[int, float]:
    """Return the mean over the cases of a group, for each seed that has them all, or any."""
    values: dict[int, list[float]] = {}
    names = {case.name for case in cases}
    for line in runs:
        value = line["scores"].get(measure)
        if line["arm"] == arm and line["case"] in names and value is not None:
            values.setdefault(line["seed"], []).append(value)
    return {seed: float(np.mean(v)) for seed, v in values.items()
            if partial or len(v) == len(names)}  # fmt: skip


def table(spec: Spec, groups: Mapping[str, Sequence[Case]], runs: Sequence[Run]) -> str:
    """Lay out a row an arm, the published one below ours."""
    rows = []
    for arm in spec.arms:
        cells: dict[str, Any] = {"arm": arm}
        stated: dict[str, Any] = {"arm": f"{arm} (published)"}
        for group, cases in groups.items():
            for measure in spec.measures:
                head = f"{group}: {measure}" if len(groups) > 1 else measure
                cells[head] = interval(by_seed(runs, cases, arm, measure, spec.partial).values())
                figure = spec.published.get(group, {}).get(arm, {}).get(measure)
                stated[head] = None if figure is None else f"{figure:.2f}"
        cells |= gains(spec, groups, runs, arm)
        here = [line for line in runs if line["arm"] == arm]
        if here:
            cells["seeds"] = len({line["seed"] for line in here})
            cells["rows"] = f"{np.mean([line['rows'] for line in here]):.0f}"
            rows.append(cells)
        if any(value is not None for value in list(stated.values())[1:]):
            rows.append(stated)
    return markdown(rows)


def lengthwise(spec: Spec, groups: Mapping[str, Sequence[Case]], runs: Sequence[Run]) -> str:
    """Lay out a row a group, with the first measure of each arm."""
    there = [arm for arm in spec.arms if any(line["arm"] == arm for line in runs)]
    rows = []
    for group, cases in groups.items():
        own = {arm: by_seed(runs, cases, arm, spec.measures[0]) for arm in there}
        seeds = {"seeds": max((len(values) for values in own.values()), default=0)}
        rows.append({"": group, **{arm: interval(own[arm].values()) for arm in there}, **seeds})
    return markdown(rows)


def gains(
    spec: Spec, groups: Mapping[str, Sequence[Case]], runs: Sequence[Run], arm: str
) -> dict[str, str]:
    """Return paired differences to the arm that is compared with."""
    if spec.gain is None or arm == spec.against:
        return {}
    result = {}
    for group, cases in groups.items():
        own = by_seed(runs, cases, arm, spec.gain)
        other = by_seed(runs, cases, spec.against, spec.gain)
        head = f"{group}: {spec.gain} against {spec.against}" if len(groups) > 1 else (
            f"{spec.gain} against {spec.against}"
        )  # fmt: skip
        result[head] = interval([own[s] - other[s] for s in own if s in other], sign=True)
    return result


MODELS = {
    "stand-in": "Simulation: a stand-in that draws from the population answers; no language model "
    "was asked.",
    "none": "No language model: the systems work by their local bodies.",
}
READING = (
    "Means over seeds in percent ± half a 95 % interval; learners: logistic regression, SVM, "
    "MLP, random forest. Rows marked (published) are the paper's, with Llama 3.3 70B, means of ten "
    "seeds without intervals. T2 is the line of gates as published (frozen parameters, c = 0, the "
    "best 30 % of batches), which keeps no row where no batch passes; 'T2, system' then returns "
    "the rows that pass the checks of single rows, with the doubt as a warning."
)


def main(spec: Spec, arguments: Sequence[str] | None = None) -> None:
    """Run a spec and write its page."""
    parser = argparse.ArgumentParser(description=spec.title)
    parser.add_argument("--seeds", type=int, default=spec.seeds)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(spec.sizes))
    parser.add_argument("--data", type=Path, help="folder of the data files, where one is needed")
    parser.add_argument("--model", default="stand-in", help="stand-in, none, or a model's name")
    parser.add_argument("--base-url", help="of the model")
    parser.add_argument(
        "--peers", help="for TVAE and CTGAN: the folder of 'make peers', or a Python"
    )
    parser.add_argument("--batches", type=int, help="of each case, in place of its own number")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--arms", nargs="+", default=(), choices=spec.arms, metavar="ARM",
                        help=f"some of: {', '.join(spec.arms)}")  # fmt: skip
    parser.add_argument("--groups", nargs="+", default=(), help="some of the groups of columns")
    parser.add_argument("--minutes", type=float, help="begin nothing and count nothing after them")
    parser.add_argument("--replies", type=Path, help="folder that keeps a model's replies")
    parser.add_argument("--log", type=Path, default=Path("build/papers/t2.jsonl"))
    options = vars(parser.parse_args(arguments))
    log = Log(options.pop("log"), KEYS)
    ends = inf if options["minutes"] is None else monotonic() + 60 * options["minutes"]
    asked = Asked(**options, deadline=ends)
    groups = chosen(spec, asked)
    try:
        runs = [*measured(spec, asked, log)]
    except ModelError as error:
        raise SystemExit(str(error)) from error
    said = MODELS.get(asked.model, f"Language model: {short(asked.model)}.")
    laid_out = (lengthwise if spec.lengthwise else table)(spec, groups, runs)
    parts = [f"{spec.about} {said}", laid_out, READING]
    words = sys.argv[1:] if arguments is None else arguments
    file = f"gguf:{short(asked.model)}.gguf" if "gguf:" in asked.model else asked.model
    others: dict[str | None, str] = {asked.model: file, str(asked.replies): "REPLIES"}
    command = command_line(
        f"benchmarks.papers.t2.{spec.name}", words, asked.data, asked.peers, others
    )
    suffix = (
        ""
        if asked.model == "stand-in"
        else f"_{short(asked.model)}".replace("/", "-").replace(":", "-")
    )
    write(FOLDER / "results" / f"{spec.name}{suffix}.md", spec.title, parts, runs, command)
