"""Sentences about every number that is worse than that of real rows, beyond chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tablewright.metrics.scores import Direction, Score

_SHARES = {
    "exact_copies": "equal a training row",
    "near_copies": "lie nearer to a training row than real rows do",
    "one_off_copies": "equal a training row in all columns but one",
    "shifted_copies": "are a training row moved by one column",
    "rescaled_copies": "are a training row with columns shifted and scaled",
    "internal_duplicates": "repeat another generated row",
    "rule_violations": "break a rule",
    "shared_texts": "have the text of a training row",
}
_SENTENCES = {
    "distance_share": "{value:.0%} of generated rows lie nearer to training than to holdout rows "
    "(50 % where nothing was memorised)",
    "distance_ratio": "some generated rows stand alone beside one training row (5 % point of the "
    "distance ratio {value:.2f}, real rows {real:.2f})",
    "membership_inference": "who was trained on can be guessed from distances (AUC {value:.2f}, "
    "0.5 is a coin)",
    "density_inference": "who was trained on can be guessed from densities (AUC {value:.2f}, 0.5 "
    "is a coin)",
    "detection_boosted": "boosted trees tell generated rows from real ones (AUC {value:.2f}, real "
    "rows {real:.2f})",
    "detection_linear": "a linear model tells generated rows from real ones (AUC {value:.2f}, real "
    "rows {real:.2f})",
    "column_shapes": "single columns differ (likeness {value:.3f}, real rows {real:.3f})",
    "association_difference": "ties between columns differ (by {value:.3f}, real rows {real:.3f})",
    "contingency_similarity": "pairs of columns differ (likeness {value:.3f}, real rows "
    "{real:.3f})",
    "missing_difference": "shares of missing values differ (by {value:.3f}, real rows {real:.3f})",
    "range_adherence": "{off:.1%} of generated cells are outside the real ranges and categories "
    "(real rows {real_off:.1%})",
    "alpha_precision": "generated rows do not lie where real rows do (alpha-precision {value:.2f}, "
    "real rows {real:.2f})",
    "beta_recall": "parts of the real rows are not covered (beta-recall {value:.2f}, real rows "
    "{real:.2f})",
    "coverage": "parts of the real rows are not covered (coverage {value:.2f}, real rows "
    "{real:.2f})",
    "density": "generated rows crowd together (density {value:.2f}, real rows {real:.2f})",
    "cluster_shares": "clusters have other shares (distance {value:.2f}, real rows {real:.2f})",
    "xmodal": "texts and target go together otherwise than in real rows (distance {value:.3f}, "
    "real rows {real:.3f})",
    "authenticity": "generated rows lie closer to training rows than those lie to each other "
    "(authenticity {value:.2f}, real rows {real:.2f})",
}


@dataclass(frozen=True)
class Finding:
    """One number that is worse than that of real rows.

    Attributes
    ----------
    score : str
        Name of the score.
    sentence : str
        What it says.
    """

    score: str
    sentence: str


def findings_of(scores: Iterable[Score]) -> list[Finding]:
    """Return what is worse than in real rows, with the whole interval on the bad side.

    Examples
    --------
    >>> copies = Score("exact_copies", 0.2, Direction.LOWER, "", (0.15, 0.26), {"real": 0.01})
    >>> findings_of([copies])[0].sentence
    '20.0% of generated rows equal a training row (real rows 1.0%)'
    """
    return [Finding(score.name, _sentence(score)) for score in scores if _is_worse(score)]


def _is_worse(score: Score) -> bool:
    known = score.name in _SHARES or score.name in _SENTENCES
    if score.value is None or score.interval is None or not known:
        return False
    real = score.reference.get("real", score.ideal if score.ideal is not None else 0.0)
    if score.direction is Direction.HIGHER:
        return "real" in score.reference and score.interval[1] < real
    return score.interval[0] > max(real, score.ideal or 0.0)


def _sentence(score: Score) -> str:
    assert score.value is not None
    real = score.reference.get("real", score.ideal or 0.0)
    if score.name in _SHARES:
        return f"{score.value:.1%} of generated rows {_SHARES[score.name]} (real rows {real:.1%})"
    return _SENTENCES[score.name].format(
        value=score.value, real=real, off=1 - score.value, real_off=1 - real
    )
