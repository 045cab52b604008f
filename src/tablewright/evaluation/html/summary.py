"""What a report says, as plain data: words, tables and series, with no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tablewright.evaluation.html.advice import advise, given_away
from tablewright.markup import number
from tablewright.metrics.outcomes import DIRECTIONS
from tablewright.metrics.scores import Direction, label

TITLES = {
    "utility": ("Utility", "Does a model learn from generated rows?"),
    "fidelity": ("Fidelity", "Are they like real rows?"),
    "rules": ("Rules", "Do they keep what rows have to keep?"),
    "texts": ("Texts", "Do texts go with the rest of a row?"),
    "imputation": ("Imputation", "Are filled cells right?"),
    "privacy": ("Privacy", "Are they too close to the real rows?"),
}

ARMS = {
    "real": "real rows alone",
    "synthetic": "generated rows alone",
    "augmented": "real and generated rows",
    "real at synthetic size": "real rows, no more than generated ones",
    "resampled": "real rows, resampled like the generated ones",
    "copies": "real rows and copies of them",
    "class weights": "real rows with class weights",
    "threshold": "real rows, threshold moved",
    "SMOTE-NC": "real rows and SMOTE-NC",
}
"""What models learned from, by arm."""

NOT_FOR = (
    "Counting as observed cases: nobody was observed.",
    "Evidence in a test, a prevalence, an effect or a sample size.",
    "Judging a model: judge it on real rows that had no part in making these.",
    "A formal guarantee of privacy: the numbers above are measurements, not a proof.",
)


@dataclass(frozen=True)
class Answer:
    """One question of a manager, answered.

    Attributes
    ----------
    question : str
    word : str
        The answer in a word or two.
    tone : str
        ``"good"``, ``"open"`` or ``"bad"``.
    because : list of str
        Sentences.
    """

    question: str
    word: str
    tone: str
    because: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of texts; a cell may be a number, which is shown rounded and sorted as it is."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]


@dataclass(frozen=True)
class Section:
    """A heading with a question, tables and plots."""

    key: str
    title: str
    question: str = ""
    findings: Sequence[str] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """All that a page shows.

    Attributes
    ----------
    title : str
    facts : list of str
        What stands below the title: method, target, rows, date.
    report : mapping
        The JSON form of a report, for its alarms, notices and plots.
    answers : list of Answer
    advice : list of str
        What to do.
    sections : list of Section
    card : list of (name, value)
        The data card.
    """

    title: str
    facts: Sequence[str]
    report: Mapping[str, Any]
    answers: Sequence[Answer]
    advice: Sequence[str]
    sections: Sequence[Section]
    card: Sequence[tuple[str, str]]


def summarize(report: Mapping[str, Any]) -> Page:
    """Turn the JSON form of a report into what a page shows.

    Parameters
    ----------
    report : mapping
        ``Report.to_dict()``, or what was read from its JSON.

    Returns
    -------
    Page
    """
    answers = [_use(report), _faith(report), _safety(report)]
    sections = [_section(key, report) for key in TITLES if report["sections"].get(key)]
    facts = report["facts"]
    table = (
        facts.get("table") or facts["provenance"].get("table") or facts["provenance"].get("source")
    )
    title = f"Generated rows for {table}" if table else "Generated rows"
    return Page(title, _heads(report), report, answers, advise(report), sections, _card(report))


def _heads(report: Mapping[str, Any]) -> list[str]:
    facts = report["facts"]
    method, rows = facts["provenance"].get("method"), facts["rows"]
    heads = [
        f"method {method}" if method else None,
        f"target {facts['target']}" if facts["target"] is not None else "no target",
        f"{rows['synthetic']:,} generated rows, made from {rows['train']:,} real ones, "
        f"judged on {rows['holdout']:,} others",
        facts.get("date"),
    ]
    return [head for head in heads if head]


def _use(report: Mapping[str, Any]) -> Answer:
    verdict = report["verdict"]
    tone = {"helps": "good", "harms": "bad"}.get(verdict["verdict"], "open")
    sentence = verdict["sentence"].removeprefix(f"{verdict['verdict']}: ")
    return Answer("Can I use it?", verdict["verdict"], tone, [sentence, *_best(report)])


def _best(report: Mapping[str, Any]) -> list[str]:
    """Name the control that did better than the generated rows, where one did."""
    measure = report["verdict"].get("measure", "")
    arms = {arm["arm"]: arm["values"].get(measure) for arm in report["arms"]}
    mine = arms.get("augmented")
    others = {
        name: value
        for name, value in arms.items()
        if name not in ("augmented", "synthetic", "real at synthetic size") and value is not None
    }
    if mine is None or not others:
        return []
    sign = 1 if DIRECTIONS[measure] is Direction.HIGHER else -1
    best = max(others, key=lambda name: sign * others[name])
    if sign * others[best] <= sign * mine:
        return []
    return [f"{named(best)} reached {others[best]:.3f}, with generated rows it is {mine:.3f}"]


def _faith(report: Mapping[str, Any]) -> Answer:
    result = _found(report, "fidelity") + _found(report, "rules")
    detected = _score(report, "detection_boosted") or {}
    value = detected.get("value")
    if value is None:
        return Answer("Is it faithful?", "not judged", "open", result or ["too few rows"])
    word, tone = ("close", "good") if value < 0.6 else ("visible differences", "open")
    if value >= 0.8:
        word, tone = "easily told apart", "bad"
    reported = f"detection AUC {value:.2f}: 0.5 cannot be told from real rows, 1 always can"
    others = [sentence for sentence in result if "AUC" not in sentence]
    return Answer("Is it faithful?", word, tone, [reported, *_named(report), *others])


def _named(report: Mapping[str, Any]) -> list[str]:
    names = given_away(report)
    return [f"given away most by {', '.join(map(repr, names))}"] if names else []


def _safety(report: Mapping[str, Any]) -> Answer:
    result = _found(report, "privacy")
    if not result:
        because = "no sign of copying or memorising beyond that of real rows; this is no proof"
        return Answer("Is it safe?", "no sign of copying", "good", [because])
    return Answer("Is it safe?", "signs of copying", "bad", result)


def _found(report: Mapping[str, Any], section: str) -> list[str]:
    names = {score["name"] for score in report["sections"].get(section, [])}
    return [item["sentence"] for item in report["findings"] if item["score"] in names]


def _score(report: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    scores = (score for section in report["sections"].values() for score in section)
    return next((score for score in scores if score["name"] == name), None)


def _section(key: str, report: Mapping[str, Any]) -> Section:
    scores = report["sections"][key]
    tables = [_scores(scores)]
    if key == "utility":
        tables = [_arms(report), *tables, _subgroups(report)]
    if key == "rules":
        tables.append(_rules(scores))
    if key == "imputation":
        tables.append(_references(scores))
    if key == "fidelity":
        tables += [_columns(scores), _pairs(scores)]
    notes = [f"{s['name']}: {s['reason']}" for s in scores if s["value"] is None]
    return Section(
        key, *TITLES[key], _found(report, key), [table for table in tables if table.rows], notes
    )


def _scores(scores: Sequence[Mapping[str, Any]]) -> Table:
    head = ["score", "value", "95 % interval", "real rows", "copy", "shuffled", "best", "meaning"]
    return Table("Each number beside what real rows get", head, [_score_row(s) for s in scores])


def _score_row(score: Mapping[str, Any]) -> list[str | float | None]:
    interval = " to ".join(number(end) for end in score["interval"] or ())
    best = score["direction"] if score["ideal"] is None else f"{score['ideal']:g}"
    others = [score["reference"].get(name) for name in ("real", "copy", "shuffled")]
    return [label(score["name"]), score["value"], interval, *others, best, score["meaning"]]


def _arms(report: Mapping[str, Any]) -> Table:
    measures = list(report["arms"][0]["values"]) if report["arms"] else []
    rows = [[named(arm["arm"]), *[arm["values"][m] for m in measures]] for arm in report["arms"]]
    caption = "Models on real holdout rows, by what they learned from (mean of two learners)"
    return Table(caption, ["learned from", *map(label, measures)], rows)


def named(arm: str) -> str:
    """Return what an arm learned from, in words."""
    return ARMS.get(arm, f"real rows and {arm}" if arm != "more real rows" else arm)


def _subgroups(report: Mapping[str, Any]) -> Table:
    parts = report.get("subgroups") or [{"column": "", "arms": {}}]
    arms, column = list(parts[0]["arms"]), parts[0]["column"]
    rows = [
        [part["value"], part["rows"], *[part["arms"][a] for a in arms]]
        for part in report.get("subgroups") or []
    ]
    return Table(
        f"By value of {column!r}, on real holdout rows", [column, "rows", *map(named, arms)], rows
    )


def _rules(scores: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            *(rule[key] for key in ("rule", "text", "severity")),
            f"{rule['broken']} of {rule['of']}",
            f"{rule['real_broken']} of {rule['real_of']}",
        ]
        for score in scores
        for rule in score["details"].get("rules", [])
    ]
    head = ["rule", "text", "severity", "generated rows", "real rows"]
    return Table("Rows that break each rule, of those it speaks of", head, rows)


def _references(scores: Sequence[Mapping[str, Any]]) -> Table:
    rows = [[name, value] for score in scores for name, value in score["reference"].items()]
    return Table("The same error with simple means to fill cells", ["filled by", "error"], rows)


def _columns(scores: Sequence[Mapping[str, Any]]) -> Table:
    details = {score["name"]: score["details"].get("columns", {}) for score in scores}
    shapes, losses = details.get("column_shapes", {}), details.get("detection_boosted", {})
    missing, inside = details.get("missing_difference", {}), details.get("range_adherence", {})
    rows = [
        [name, shape, inside.get(name), *missing.get(name, [None, None]), losses.get(name)]
        for name, shape in shapes.items()
    ]
    head = ["column", "likeness", "in range", "missing, real", "missing, generated", "gives away"]
    caption = "Columns; 'gives away' is the detection AUC lost without the column"
    return Table(caption, head, rows)


def _pairs(scores: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        pair
        for s in scores
        for pair in s["details"].get("pairs", [])
        if s["name"] == "detection_boosted"
    ]
    head = ["column", "with", "association, real", "generated"]
    return Table("Pairs whose association differs most", head, rows)


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return str(value)


def _card(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = report["facts"]
    rows = facts["rows"]
    card = [
        ("Generated rows", f"{rows['synthetic']:,}"),
        ("Made from real rows", f"{rows['train']:,}"),
        ("Judged against real rows that were not seen", f"{rows['holdout']:,}"),
        ("Columns", str(facts["columns"])),
        ("Target", str(facts["target"])),
        *[(str(key), _written(value)) for key, value in facts["provenance"].items()],
        ("Judged by", f"tablewright {facts['tablewright']}, effort {facts['effort']}"),
        ("Seed, seconds", f"{facts['random_state']}, {facts['seconds']}"),
    ]
    return [*card, *[("Not for", text) for text in NOT_FOR]]
