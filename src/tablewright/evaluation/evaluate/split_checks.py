"""Whether the three tables are what they are called: a holdout that is one, and no swap."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.metrics.detection import MIN_ROWS, discriminate
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.privacy import row_keys

Keys = NDArray[np.uint64]

_SIGMAS = 5
_SAME = 0.98
_MAX_ROWS = 1000
_APART = 0.65


def check_split(
    train: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows, rng: np.random.Generator
) -> list[str]:
    """Return alarms about a holdout that is none, a sentence each.

    Equal rows are counted beyond those that rows of one table have among each other.

    Raises
    ------
    InputError
        If the holdout is the training rows.
    """
    real, held, written = (row_keys(rows) for rows in (train, holdout, synthetic))
    return [
        *_overlap(real, held),
        *_leaked(real, held, written),
        *_swapped(train, synthetic, holdout, rng),
    ]


def _overlap(real: Keys, held: Keys) -> Iterable[str]:
    """Holdout rows among the training rows."""
    both, n = int(np.isin(held, real).sum()), len(held)
    if not _beyond_chance(both, n, _repeat_rate(real), len(real)):
        return
    if both >= _SAME * n:
        raise InputError(
            f"{both} of {n} holdout rows are training rows: a holdout is rows that nobody learned "
            "from; set some aside before rows are made"
        )
    yield (
        f"{both} of {n} holdout rows are training rows, beyond what equal rows explain: the "
        "holdout is none, and every number here is too good"
    )


def _leaked(real: Keys, held: Keys, written: Keys) -> Iterable[str]:
    """Holdout rows among the generated ones."""
    both, n = int(np.isin(written, held).sum()), len(written)
    # a fresh real row equals one of the holdout as often as a training row does
    usual = max(float(np.isin(real, held).mean()), _repeat_rate(held))
    if _beyond_chance(both, n, usual, len(held)):
        yield (
            f"{both} of {n} generated rows are holdout rows, beyond what equal rows explain: the "
            "generator has seen the holdout, or the arguments are swapped"
        )


def _repeat_rate(keys: Keys) -> float:
    """Share of rows that equal another one of their table."""
    _, counts = np.unique(keys, return_counts=True)
    return float(counts[counts > 1].sum() / max(len(keys), 1))


def _beyond_chance(found: int, n: int, rate: float, n_reference: int) -> bool:
    """Whether so many equal rows are more than a rate measured on a reference explains."""
    rate = (rate * n_reference + 1) / (n_reference + 1)
    error = np.sqrt(rate * (1 - rate) * (1 / n + 1 / n_reference))
    return found >= 3 and found / n > rate + _SIGMAS * error


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
    if auc < _APART or auc - 3 * error < 0.5:
        return
    reported = f"holdout rows are told from training rows with AUC {auc:.2f}"
    pairs = {
        "generated and holdout rows": apart(1, 2)[0],
        "training and generated rows": apart(0, 1)[0],
    }
    alike = min(pairs, key=lambda name: pairs[name])
    if pairs[alike] < min(_APART, auc - 0.1):
        yield (
            f"{reported}, {alike} with {pairs[alike]:.2f}: the arguments look swapped (they are "
            "training, generated, holdout)"
        )
    else:
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
    return [
        rows.take(
            np.concatenate(
                [np.zeros(0, dtype=np.intp)]
                + [
                    rng.choice(np.flatnonzero(codes == label), int(n * share), replace=False)
                    for label, n in counts.items()
                ]
            )
        )
        for rows, codes in zip(tables, classes, strict=True)
    ]
