"""Whether the three tables are what they are called: a holdout that is one, and no swap."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.evaluation.evaluate.near_rows import count_near, rounded_like
from tablewright.metrics.copies import MIN_COLUMNS, one_off
from tablewright.metrics.detection import MIN_ROWS, discriminate
from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.row_keys import (
    Keys,
    among,
    keys_without_each,
    n_kinds,
    repeated,
    row_keys,
)
from tablewright.metrics.scores import Score

_SIGMAS = 5
_SAME = 0.98
_MIN_SAME = 20
_MAX_ROWS = 1000
_APART = 0.65


def check_split(
    train: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows,
    rng: np.random.Generator,
    more: EncodedRows | None = None,
) -> list[str]:
    """Return alarms about a holdout that is none, a sentence each.

    Equal rows are counted beyond those that rows of one table have among each other.

    Raises
    ------
    InputError
        If the holdout is the training rows.
    """
    real, held, written = (row_keys(rows) for rows in (train, holdout, synthetic))
    changes = [*_one_off(train, holdout), *_changed(train, holdout, held, rng)]
    most = max((share for share, _ in changes), default=0.0)
    told = [sentence for share, sentence in changes if share > most / 1.5][:1]
    alarms = [*_overlap(real, held), *told]
    if more is not None and (both := _n_shared(held, row_keys(more))):
        alarms.append(
            f"{both} of {len(held)} holdout rows are rows of more_real, beyond what equal rows "
            "explain: what more real rows would bring is too good"
        )
    alarms += [*_leaked(real, held, written)] or [*_changed_leak(holdout, synthetic, rng)]
    return [*alarms, *_swapped(train, synthetic, holdout, rng)]


def _n_shared(held: Keys, real: Keys) -> int:
    """Return how many rows of a holdout are real rows; 0 where equal rows explain it."""
    both, n = int(among(held, real).sum()), len(held)
    return both if _beyond_chance(both, n, _repeat_rate(real), len(real)) else 0


def _overlap(real: Keys, held: Keys) -> Iterable[str]:
    """Holdout rows among the training rows."""
    both, n = _n_shared(held, real), len(held)
    if both >= _SAME * n or _is_same_table(real, held):
        raise InputError(
            f"{both or n} of {n} holdout rows are training rows: a holdout is rows that nobody "
            "learned from; set some aside before rows are made"
        )
    if both:
        yield (
            f"{both} of {n} holdout rows are training rows, beyond what equal rows explain: the "
            "holdout is none, and every number here is too good"
        )


def _is_same_table(real: Keys, held: Keys) -> bool:
    """Whether two tables hold the same rows equally often: no chance where rows are many kinds."""
    many = len(real) >= _MIN_SAME and n_kinds(real) >= _MIN_SAME / 2
    return many and len(real) == len(held) and bool((np.sort(real) == np.sort(held)).all())


def _one_off(train: EncodedRows, holdout: EncodedRows) -> Iterable[tuple[float, str]]:
    """Holdout rows that equal a training row but for one column, which was rounded or changed."""
    if len(train.features) < MIN_COLUMNS:
        return
    hits = one_off(train, holdout)
    both, n = int(hits.any(axis=1).sum()), len(holdout)
    alike = np.zeros(len(train), dtype=bool)
    for keys in keys_without_each(train):
        alike |= repeated(keys)
    if _beyond_chance(both, n, float(alike.mean()), len(train)):
        name = train.features[int(hits.sum(axis=0).argmax())].name
        yield (
            both / n,
            f"{both} of {n} holdout rows are training rows but for one column, most often "
            f"{name!r}: the holdout is none, and every number here is too good",
        )


def _changed(
    train: EncodedRows, holdout: EncodedRows, held: Keys, rng: np.random.Generator
) -> Iterable[tuple[float, str]]:
    """Find holdout rows that are training rows with all numbers rounded, or a little changed."""
    rounded, n = rounded_like(train, holdout), len(holdout)
    if rounded is not None and (both := _n_shared(held, row_keys(rounded))):
        yield (
            both / n,
            f"{both} of {n} holdout rows are training rows with rounded numbers, beyond what equal "
            "rows explain: the holdout is none, and every number here is too good",
        )
        return
    near, n = count_near(train, holdout, rng)
    if near:
        yield (
            near / n,
            f"{near} of {n} holdout rows stand alone beside a training row, beyond what chance "
            "explains, as rows do whose numbers were rounded or slightly changed: the holdout is "
            "none, and every number here is too good",
        )


def _changed_leak(
    holdout: EncodedRows, synthetic: EncodedRows, rng: np.random.Generator
) -> Iterable[str]:
    """Find generated rows that are holdout rows, a little changed."""
    near, n = count_near(holdout, synthetic, rng)
    if near:
        yield (
            f"{near} of {n} generated rows stand alone beside a holdout row, beyond what chance "
            "explains: the generator has seen the holdout, or the arguments are swapped"
        )


def _leaked(real: Keys, held: Keys, written: Keys) -> Iterable[str]:
    """Holdout rows among the generated ones."""
    both, n = int(among(written, held).sum()), len(written)
    # a fresh real row equals one of the holdout as often as a training row does
    usual = max(float(among(real, held).mean()), _repeat_rate(held))
    if _beyond_chance(both, n, usual, len(held)):
        yield (
            f"{both} of {n} generated rows are holdout rows, beyond what equal rows explain: the "
            "generator has seen the holdout, or the arguments are swapped"
        )


def _repeat_rate(keys: Keys) -> float:
    """Return the share of rows that equal another one of their table."""
    return float(repeated(keys).mean()) if len(keys) else 0.0


def _beyond_chance(n_equal: int, n: int, rate: float, n_reference: int) -> bool:
    """Whether so many equal rows are more than a rate measured on a reference explains."""
    rate = (rate * n_reference + 1) / (n_reference + 1)
    error = np.sqrt(rate * (1 - rate) * (1 / n + 1 / n_reference))
    return n_equal >= 3 and n_equal / n > rate + _SIGMAS * error


def _swapped(
    train: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows, rng: np.random.Generator
) -> Iterable[str]:
    """Real rows that differ from each other more than from the generated ones."""
    cut = _same_classes([train, synthetic, holdout], rng)
    if len(cut[0]) < 2 * MIN_ROWS or not train.features:
        return

    def apart(first: int, second: int) -> tuple[float, float]:
        result = discriminate(cut[first], cut[second], "boosted trees", rng, evidence=False)
        return result.auc, result.error

    auc, error = apart(0, 2)
    if auc - 3 * error < 0.5:
        return
    reported = f"holdout rows are told from training rows with AUC {auc:.2f}"
    pairs = {"generated and holdout rows": apart(1, 2), "training and generated rows": apart(0, 1)}
    alike = min(pairs, key=lambda name: pairs[name][0])
    lower, its_error = pairs[alike]
    if auc >= _APART:
        swapped = lower < min(_APART, auc - 0.1)
    else:  # a holdout of another time is no nearer to generated rows than to training rows
        clear = auc - lower > 3 * np.hypot(error, its_error)
        swapped = clear and alike == "generated and holdout rows"
    if swapped:
        yield (
            f"{reported}, {alike} with {lower:.2f}: the arguments look swapped (they are "
            "training, generated, holdout), or the holdout is of another time or place"
        )
    elif auc >= _APART:
        yield f"{reported}: they are not of one distribution, and no number here has its reference"


def _same_classes(tables: list[EncodedRows], rng: np.random.Generator) -> list[EncodedRows]:
    """Cut tables to equal size, and to the same rows of each class: a mix may be requested."""
    target = tables[0].encoder.target
    if target is None or tables[0].features[target].levels is None:
        size = min(*map(len, tables), _MAX_ROWS)
        return [rows.cut(size, rng) for rows in tables]
    classes = [rows.values[:, target] for rows in tables]
    labels = np.unique(classes[0][~np.isnan(classes[0])])
    counts = {label: min(int((codes == label).sum()) for codes in classes) for label in labels}
    share = min(1.0, _MAX_ROWS / max(1, sum(counts.values())))

    def pick(codes: Floats) -> NDArray[np.int64]:
        each = (
            rng.choice(np.flatnonzero(codes == label), int(n * share), replace=False)
            for label, n in counts.items()
        )
        return np.concatenate([np.zeros(0, dtype=np.int64), *each])

    return [rows.take(pick(codes)) for rows, codes in zip(tables, classes, strict=True)]


def nearer_to_holdout(share: Score) -> list[str]:
    """Say that generated rows know the holdout better than the training rows (distance_share)."""
    if share.value is None:
        return []
    sizes = [share.rows, *share.details["searched"].values()]
    if share.value > 0.5 - 3 * 0.5 * np.sqrt(sum(1 / n for n in sizes)):
        return []
    return [
        f"generated rows lie nearer to holdout than to training rows ({share.value:.0%} of them "
        "nearer to training rows, where 50 % is chance): the generator has seen the holdout, or "
        "the arguments are swapped (they are training, generated, holdout)"
    ]
