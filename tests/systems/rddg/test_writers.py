"""Rounds: what is asked for next, what a round is told, and how a generator is corrected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import RuleError
from tablewright.rules import as_rules
from tablewright.rules.expressions import parse_where
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import ClassPartition, Partition, QuantilePartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.rddg.feedback import Batch
from tablewright.systems.rddg.relations import Relation, Relations
from tablewright.systems.rddg.writers import CalibratedWriter, GuidedRounds

COLUMNS = {
    "x": {"kind": "continuous", "decimals": 1},
    "y": {"kind": "categorical", "categories": ["no", "yes"]},
}
SCHEMA = Schema.build(COLUMNS, target="y")


def real(n_rows: int = 200) -> pl.DataFrame:
    x = np.random.default_rng(0).normal(10, 3, n_rows).round(1)
    return pl.DataFrame({"x": x, "y": np.where(np.arange(n_rows) % 2 == 0, "no", "yes")})


REAL = real()
CLASSES = ClassPartition("y", ("no", "yes"))
BINS = QuantilePartition("x", (8.0, 12.0))


def calibrated(partition: Partition, target: str) -> CalibratedWriter:
    options = {"generator": "independent", "n_batches": 1}
    schema = Schema.build(COLUMNS, target=target)
    model = Synthesizer("calibrated", schema=schema, target=target, options=options,
                        random_state=0).fit(REAL)  # fmt: skip
    return CalibratedWriter(model, schema, partition, Relations(), REAL)


def shifted(writer: CalibratedWriter, size: float, part: int | None = None) -> Any:
    """A setting that adds so many standard deviations to x."""
    knobs = writer.synthesizer.generator_.posterior_.knobs  # type: ignore[attr-defined]
    moved = [size if k.kind == "shift" and part in (None, k.part) else 0.0 for k in knobs]
    return np.array(moved), 1.0


def mean(rows: pl.DataFrame, where: pl.Expr | pl.Series | bool = True) -> float:
    return float(rows.filter(where)["x"].to_numpy().mean())


def test_a_round_is_drawn_with_the_coupling_that_it_is_told() -> None:
    columns = {"x": "continuous", "z": "continuous", "y": COLUMNS["y"]}
    rng = np.random.default_rng(3)
    noise, label = rng.normal(size=(2, 600)), np.where(np.arange(600) % 2 == 0, "no", "yes")
    frame = pl.DataFrame({"x": noise[0], "z": noise[0] + 0.5 * noise[1], "y": label})
    schema = Schema.build(columns, target="y")
    options = {"generator": "trees", "n_batches": 1}
    model = Synthesizer("calibrated", schema=schema, target="y", options=options,
                        random_state=0).fit(frame)  # fmt: skip
    writer = CalibratedWriter(model, schema, CLASSES, Relations(), frame)
    told = {None: (0.0, np.array([1.0, 0.5]))}
    drawn = writer.write(SampleRequest(1200), Guidance(parameters=told)).rows
    no, yes = (
        drawn.filter(pl.col("y") == name).select(r=pl.corr("x", "z"))["r"][0]
        for name in ("no", "yes")
    )
    assert yes == pytest.approx(no / 2, abs=0.1)
    assert model.generator_.couplings_ == [1.0, 1.0], "the one that was given stays as it is"  # type: ignore[attr-defined]


def test_a_round_is_drawn_by_the_setting_that_it_is_told() -> None:
    writer = calibrated(CLASSES, "y")
    request = SampleRequest(400, {"no": 200, "yes": 200})
    plain = writer.write(request).rows
    told = Guidance(parameters={None: shifted(writer, 1.0, 1)})
    moved = writer.write(request, told).rows
    assert mean(moved, pl.col("y") == "yes") - mean(plain, pl.col("y") == "yes") > 2
    assert abs(mean(moved, pl.col("y") == "no") - mean(plain, pl.col("y") == "no")) < 1


def test_the_generator_that_was_fitted_is_left_alone() -> None:
    writer = calibrated(CLASSES, "y")
    own = writer.synthesizer.generator_
    before = own.setting_.copy()  # type: ignore[attr-defined]
    second = CalibratedWriter(writer.synthesizer, SCHEMA, CLASSES, Relations(), REAL)
    second.write(SampleRequest(10), Guidance(parameters={None: shifted(writer, 2.0)}))
    assert np.array_equal(own.setting_, before)  # type: ignore[attr-defined]


def test_corrections_do_not_add_up_from_round_to_round() -> None:
    writer = calibrated(CLASSES, "y")
    told = Guidance(parameters={None: shifted(writer, 0.5)})
    means = [mean(writer.write(SampleRequest(600), told).rows) for _ in range(4)]
    assert max(means) - min(means) < 1.0, "0.5 standard deviations are 1.5"


def test_each_bin_of_a_number_is_drawn_and_corrected_for_itself() -> None:
    writer = calibrated(BINS, "x")
    quotas = dict(zip(BINS.names, (30, 20, 10), strict=True))
    rows = writer.write(SampleRequest(60, quotas)).rows
    assert np.bincount(BINS.of(rows)).tolist() == [30, 20, 10]
    middle = BINS.names[1]
    told = Guidance(parameters={middle: shifted(writer, 0.3)})
    many = SampleRequest(900, dict.fromkeys(BINS.names, 300))
    plain, moved = writer.write(many).rows, writer.write(many, told).rows
    for code, change in ((0, False), (1, True), (2, False)):
        means = [mean(rows, pl.Series(BINS.of(rows) == code)) for rows in (plain, moved)]
        assert (means[1] - means[0] > 0.25) == change
    assert np.bincount(BINS.of(moved)).tolist() == [300, 300, 300], "none is moved out of its bin"


def test_a_condition_of_the_call_holds_beside_that_of_the_bin() -> None:
    writer = calibrated(BINS, "x")
    request = SampleRequest(
        20, {BINS.names[0]: 20}, where=parse_where("x > 5 OR y = 'yes'", SCHEMA)
    )
    rows = writer.write(request).rows
    assert rows.height == 20
    assert ((rows["x"] > 5) | (rows["y"] == "yes")).all()
    assert (rows["x"] <= 8).all()


def test_numbers_are_written_with_the_decimals_of_their_column() -> None:
    writer = calibrated(CLASSES, "y")
    rows = writer.write(SampleRequest(50), Guidance(parameters={None: shifted(writer, 0.123)})).rows
    assert rows["x"].round(1).equals(rows["x"])


# rounds -------------------------------------------------------------------------------------


@dataclass
class Inner:
    """Writes what it is asked for, and remembers it."""

    asked: list[SampleRequest] = field(default_factory=list)

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        self.asked.append(request)
        return RowBatch(REAL.head(request.n_rows))


@dataclass
class Told:
    """Feedback that takes every second row."""

    batches: list[Batch] = field(default_factory=list)
    real: pl.DataFrame = field(default_factory=lambda: REAL)
    partition: ClassPartition = CLASSES

    def accepted(self, rows: pl.DataFrame, rng: np.random.Generator) -> Any:
        return np.arange(rows.height) % 2 == 0

    def examples(self, n_rows: int, members: Any, rng: np.random.Generator) -> Any:
        return np.arange(n_rows)


class Pool:
    """What is missing of a request."""

    def __init__(self, **left: int) -> None:
        self.missing = SampleRequest(sum(left.values()), left)


def rounds(n_rows: int = 1000, n_shown: int = 8, **options: Any) -> GuidedRounds:
    half = n_rows // 2
    return GuidedRounds(
        Inner(), options.pop("feedback", Told()), SampleRequest(n_rows, {"no": half, "yes": half}),
        Result(n_rows), members=[], n_shown=n_shown, speak=lambda feedback, losses: str(losses),
        **{"active": True, **options},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n_rows", "n_shown", "size"),
    [(1000, 8, 100), (1001, 8, 101), (100, 8, 40), (4000, 0, 1000), (400, 0, 250)],
)
def test_a_request_is_cut_into_rounds_of_which_none_is_tiny(
    n_rows: int, n_shown: int, size: int
) -> None:
    assert rounds(n_rows, n_shown).size == size


def test_a_round_asks_for_no_more_than_its_size_and_counts_what_it_asked() -> None:
    made = rounds()
    made.write(SampleRequest(800, {"no": 500, "yes": 300}))
    asked = made.inner.asked[0]  # type: ignore[attr-defined]
    assert asked.quotas == {"no": 63, "yes": 38}
    assert made.asked == Counter(no=500, yes=300)


def test_rows_of_which_there_are_too_many_are_told_with_their_reason() -> None:
    made = rounds()
    batch = made.write(SampleRequest(10, {"no": 5, "yes": 5}))
    assert batch.rows.equals(REAL.head(10)[::2])
    assert made.result.n_proposed == 5
    assert set(made.result.rejected["_reason"]) == {"there are too many like it"}


@pytest.mark.parametrize("options", [{"active": False}, {"n_shown": 0}])
def test_without_feedback_and_without_prompts_every_row_is_taken(options: dict[str, Any]) -> None:
    assert rounds(**options).write(SampleRequest(10)).rows.height == 10
    assert rounds(active=False).guide(Pool(no=1)) is None  # type: ignore[arg-type]


def test_more_is_asked_for_of_a_class_of_which_much_is_lost_up_to_four_times() -> None:
    made = rounds(200)
    made.write(SampleRequest(40, {"no": 20, "yes": 20}))
    # of 20 asked for, all of class no came (80 of 100 are left) and 10 of class yes
    asked = made.guide(Pool(no=80, yes=90)).quotas  # type: ignore[arg-type, union-attr]
    share = made.size / 170
    assert asked == {"no": int(np.ceil(80 * share)), "yes": 2 * int(np.ceil(90 * share))}
    # of 120 asked for none came: no more than four times as many are asked for
    made.asked = Counter(no=20, yes=120)
    asked = made.guide(Pool(no=80, yes=100)).quotas  # type: ignore[arg-type, union-attr]
    assert asked["yes"] == 4 * int(np.ceil(100 * made.size / 180))


def test_a_class_that_was_never_asked_for_is_asked_for_as_it_is() -> None:
    asked = rounds(80).guide(Pool(no=20, yes=20)).quotas  # type: ignore[arg-type, union-attr]
    assert asked == {"no": 20, "yes": 20}


def losses(made: GuidedRounds) -> str:
    told = made.guide(Pool(no=10, yes=10))  # type: ignore[arg-type]
    assert told is not None
    return told.text


def test_a_round_is_told_what_more_than_a_twentieth_was_lost_for() -> None:
    made = rounds()
    made.feedback.batches.append(Batch(90, 0.0, {}))
    made.result.reject(REAL.head(5), "copies", ["a copy"] * 5)
    made.result.reject(REAL.head(5), "rules", ["breaks a < b"] * 5)
    assert losses(made) == "[]", "5 of 100 are no more than a twentieth"
    made.result.reject(REAL.head(6), "near-duplicates", ["near"] * 6)
    made.result.reject(REAL.head(7), "rules", ["breaks a < b"] * 4 + ["breaks b < c"] * 3)
    made.result.parse_errors["no number"] += 8
    text = losses(made)
    assert "6 of 111 rows repeated a row from above" in text
    assert "7 of 111 rows broke a rule, most often: one breaks a < b." in text
    assert "8 of 111 rows could not be read" in text
    assert losses(made) == "[]", "each round hears of its own losses"


def test_examples_and_text_are_for_writers_that_are_shown_rows() -> None:
    shown, local = (rounds(n_shown=n).guide(Pool(no=10, yes=10)) for n in (8, 0))  # type: ignore[arg-type]
    assert shown is not None
    assert local is not None
    assert (len(shown.examples), local.examples) == (8, None)  # type: ignore[arg-type]
    assert (shown.text, local.text) == ("[]", "")
    assert not shown.parameters


@pytest.mark.filterwarnings("ignore::tablewright.synthesizer.row_rules.RuleWarning")
def test_a_relation_that_cannot_be_kept_is_left_to_the_check_of_rows() -> None:
    wanted, relation = as_rules(["x <= 12", "x > 50"])
    found = Relations([Relation(relation, support=200, share=1.0)])
    plain = calibrated(CLASSES, "y")
    writer = CalibratedWriter(plain.synthesizer, SCHEMA, CLASSES, found, REAL)
    request = SampleRequest(6, {"no": 3, "yes": 3}, rules=as_rules([wanted]) + found.rules)
    for _ in range(2):
        rows = writer.write(request).rows
        assert rows["y"].value_counts()["count"].to_list() == [3, 3]
        assert rows["x"].to_numpy().max() <= 12
    with pytest.raises(RuleError):  # where both are a person's
        plain.write(request)
