"""The discriminators: what they see, what they do not, and how two processes are compared."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.systems.mallm_gan.discriminator import KINDS, Discriminator, Evidence, Judgement
from tablewright.systems.mallm_gan.published import Accuracy, IncrementalDiscriminator
from tablewright.systems.mallm_gan.system import MALLMGAN

SCHEMA = Schema.build({"x": "continuous", "y": "continuous", "z": "categorical"})


def pairs(n_rows: int, seed: int) -> pl.DataFrame:
    """Two numbers that go along with each other, and a coin."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    coin = rng.choice(["head", "tail"], n_rows)
    return pl.DataFrame({"x": x, "y": x + 0.3 * rng.normal(size=n_rows), "z": coin})


def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("y").shuffle(seed=1))


REAL, FRESH = pairs(300, 0), pairs(300, 1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "linear"])
def test_rows_with_shuffled_columns_are_told_by_their_pairs(kind: str) -> None:
    judge = Discriminator(REAL, SCHEMA, kind).judge  # type: ignore[arg-type]
    assert judge(shuffled(FRESH)).auc > 0.8
    # One half and four standard errors of an AUC of 300 rows on each side.
    assert judge(FRESH).auc < 0.5 + 4 * np.sqrt((300 + 300 + 1) / (12 * 300 * 300))


def test_a_linear_discriminator_passes_shuffled_columns() -> None:
    judgement = Discriminator(REAL, SCHEMA, "linear").judge(shuffled(FRESH))
    assert judgement.auc < 0.6


def test_auc_by_rows_is_that_of_its_definition() -> None:
    discriminator = Discriminator(REAL, SCHEMA, "boosted")
    by_real, by_row = discriminator._by_auc(discriminator.encoder.rows(FRESH))
    assert by_real.mean() == pytest.approx(by_row.mean(), abs=0.02)
    assert roc_auc_score([0, 1], [0.2, 0.7]) == 1.0


def test_an_auc_below_one_half_is_no_merit() -> None:
    blank = np.zeros(10)
    chance, below = (Judgement(auc, 0.1, 0.2, blank) for auc in (0.5, 0.3))
    assert chance.loss == below.loss == pytest.approx(0.8)
    assert Judgement(0.7, 0.1, 0.2, blank).loss == pytest.approx(1.0)


def test_errors_are_total_variation_distances_worked_out_by_hand() -> None:
    schema = Schema.build({"a": "categorical", "b": "categorical"})
    real = pl.DataFrame({"a": ["p", "p", "q", "q"], "b": ["u", "u", "v", "v"]})
    other = pl.DataFrame({"a": ["p", "p", "p", "q"], "b": ["u", "v", "u", "v"]})
    found = Discriminator(real, schema, "pairs").judge(other)
    # a: 1/2, 1/2 against 3/4, 1/4; b: no difference.
    assert found.margins == pytest.approx((0.25 + 0.0) / 2)
    # (p,u) 1/2 v 1/2, (q,v) 1/2 v 1/4, (p,v) 0 v 1/4.
    assert found.pairs == pytest.approx(0.25)


def test_a_gain_is_measured_in_pairs_and_the_same_rows_gain_nothing() -> None:
    discriminator = Discriminator(REAL, SCHEMA)
    good, bad = discriminator.judge(FRESH), discriminator.judge(shuffled(FRESH))
    gain, error = good.gain_over(bad)
    assert gain == pytest.approx(bad.loss - good.loss)
    assert gain > 4 * error > 0
    assert good.gain_over(good) == (0.0, 0.0)


def test_rows_that_equal_real_ones_are_no_better_than_chance_and_never_worse() -> None:
    found = Discriminator(REAL, SCHEMA).judge(REAL)
    assert (found.margins, found.pairs) == (0.0, 0.0)
    assert found.auc == pytest.approx(0.5, abs=0.1)


def test_evidence_names_the_pair_and_the_column_and_hides_numbers_on_demand() -> None:
    far = shuffled(FRESH).with_columns(pl.col("x") + 3)
    evidence = Discriminator(REAL, SCHEMA, "pairs").judge(far).evidence
    assert evidence[0].columns == ("x",)
    assert str(evidence[0]).startswith("x is too high (")
    pair = next(item for item in evidence if item.columns == ("x", "y"))
    assert pair.words == "x and y go together less than in real rows"
    assert pair.words in str(pair)
    assert not any(character.isdigit() for character in pair.words)
    assert Evidence(("x",), 5.0, 4.0, -1.0).words == "x is too low"


def test_an_unknown_discriminator_is_refused() -> None:
    with pytest.raises(InputError, match="discriminator is 'both', 'pairs', 'boosted' or 'linear'"):
        MALLMGAN(discriminator="svm").fit(REAL)


# the published one --------------------------------------------------------------------------


def test_published_scores_a_fifth_of_the_batch_and_rescores_what_came_before() -> None:
    discriminator = IncrementalDiscriminator(REAL, SCHEMA, seed=3)
    first = discriminator.judge(np.arange(50), FRESH[:50])
    assert first.y is not None
    assert len(first.y) == 20
    before = first.loss
    assert (before * 20) % 1 == pytest.approx(0, abs=1e-9), "it moves in steps of one row"
    for batch in range(1, 5):
        rows = slice(50 * batch, 50 * batch + 50)
        discriminator.judge(np.arange(300)[rows], FRESH[rows].with_columns(pl.col("x") + 50))
    assert first.loss == discriminator.model.score(first.inputs, first.y), "by the newest model"
    assert discriminator.n_batches == 5


def test_published_does_not_score_a_batch_of_which_too_little_came() -> None:
    discriminator = IncrementalDiscriminator(REAL, SCHEMA)
    found = discriminator.judge(np.arange(50), FRESH[:39])
    assert found.loss == 1.0
    assert found.inputs is None
    assert not discriminator.history
    assert discriminator.judge(np.arange(50), FRESH[:40]).inputs is not None


def test_published_is_blind_to_shuffled_columns() -> None:
    discriminator = IncrementalDiscriminator(REAL, SCHEMA)
    scores = []
    for number in range(30):
        rng = np.random.default_rng(number)
        made = shuffled(pairs(50, 100 + number))
        scores.append(discriminator.judge(rng.choice(300, 50, replace=False), made).loss)
    # Thirty scores of twenty rows; four standard errors about one half.
    assert np.mean(scores) < 0.5 + 4 * np.sqrt(0.25 / (30 * 20))
    assert Accuracy().loss == 1.0
