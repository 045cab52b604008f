"""How columns are cut for plots: round numbers, readable names, no value that names one person."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.evaluation.evaluate.bins import OTHER, UNSEEN, Bins, bins_of
from tablewright.evaluation.evaluate.plot_data import MIN_IN_CELL, density, plot_data
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder, Floats
from tablewright.schema import Schema


def cut(
    values: list[object], kind: str, other: list[object] | None = None, n_labels: int = 10
) -> tuple[Bins, list[Floats]]:
    frame = pl.DataFrame({"x": values})
    encoder = FeatureEncoder.fit(frame, Schema.build({"x": kind}))
    tables = [encoder.rows(pl.DataFrame({"x": each})) for each in (values, other or values)]
    codes = [rows.values[:, 0] for rows in tables]
    return bins_of(encoder.features[0], codes, 20, n_labels), codes


def test_numbers_are_cut_at_round_steps_and_tails_count_in_the_last_ones() -> None:
    bins, (real, other) = cut(list(np.arange(101.0)), "continuous", [-50.0, 1.0, 500.0, 500.0])
    assert bins.edges is not None
    assert (bins.names[0], bins.names[-1]) == ("0 to 5", "95 to 100")
    assert bins.ticks == ((0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100"))
    assert np.bincount(bins.of(real)).sum() == 101
    assert bins.of(other).tolist() == [0, 0, 19, 19]


def test_few_whole_numbers_have_a_bin_each() -> None:
    bins, (real, _) = cut([1, 2, 2, 3, 5] * 10, "integer")
    assert bins.names == ("1", "2", "3", "4", "5")
    assert np.bincount(bins.of(real)).tolist() == [10, 20, 10, 0, 10]


@pytest.mark.parametrize(
    ("days", "first"), [(2000, "2020-01-"), (0, "2020-01-01 00:")]
)  # fmt: skip
def test_dates_are_named_as_dates(days: int, first: str) -> None:
    start = dt.datetime(2020, 1, 1)
    values: list[object] = [
        start + dt.timedelta(days=days * i / 99, hours=i / 9) for i in range(99)
    ]
    bins, _ = cut(values, "datetime")
    assert bins.ticks[0][1].startswith(first)
    assert [at for at, _ in bins.ticks] == [0.0, 1.0]


def test_labels_beyond_the_limit_and_those_of_one_row_share_a_bin() -> None:
    names: list[object] = [f"k{j:02}" for j in range(15) for _ in range(15 - j)]
    bins, (_, other) = cut(names, "categorical", ["k00", "k14", "new", "new"], 3)
    assert bins.names == ("k00", "k01", "k02", OTHER, UNSEEN)
    assert bins.of(other).tolist() == [0, 3, 4, 4]
    alone, _ = cut(["a", "a", "b", "b", "Ada Lovelace"], "categorical")
    assert alone.names == ("a", "b", OTHER)


def test_no_bin_is_made_for_values_that_do_not_occur() -> None:
    bins, _ = cut(["a", "a", "b", "b"], "categorical", ["a", "b"])
    assert bins.names == ("a", "b")


def test_ordered_values_stand_in_their_order() -> None:
    bins, (real, _) = cut([3, 1, 1, 2, 2, 2, 3], "ordinal")
    assert bins.names == ("1", "2", "3")
    assert np.bincount(bins.of(real)).tolist() == [2, 3, 2]


FLOATS = st.floats(-1e100, 1e100)


@given(st.lists(FLOATS, min_size=1, max_size=30))
def test_every_number_falls_into_one_bin(values: list[float]) -> None:
    bins, (real, _) = cut(list(values), "continuous")
    assert len(bins) >= 1
    assert len(bins.of(real)) == len(real)
    assert (bins.of(real) < len(bins)).all()


# densities and maps ----------------------------------------------------------------------


def encoded(frame: pl.DataFrame, kinds: dict[str, str]) -> EncodedRows:
    return FeatureEncoder.fit(frame, Schema.build(kinds)).rows(frame)


def test_density_counts_rows_where_both_values_are_known() -> None:
    across = Bins(("l", "r"), (), np.array([0.0, 1.0, 2.0]))
    x, y = np.array([0.5, 1.5, 1.5, np.nan]), np.array([1.5, 0.5, 0.5, 0.5])
    assert density(x, y, across, across).tolist() == [[0, 2], [1, 0]]


def test_cells_of_few_real_rows_are_blank_and_names_of_one_row_are_nowhere() -> None:
    rng = np.random.default_rng(0)
    names = [f"person {i}" for i in range(60)]
    frame = pl.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60), "name": names})
    rows = encoded(frame, {"x": "continuous", "y": "continuous", "name": "categorical"})
    drawn = plot_data(rows, rows, rows, rng)
    assert "person" not in str(drawn)
    for each in [*drawn["densities"], drawn["map"]]:
        shares = np.array(each["real"])
        assert shares[shares > 0].min() >= MIN_IN_CELL / 60 - 1e-4
        assert shares.sum() < 1 or (shares == 0).sum() == 0


def test_pairs_that_differ_most_come_first() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    real = pl.DataFrame({"a": x, "b": x + rng.normal(size=300) / 9, "c": rng.normal(size=300)})
    encoder = FeatureEncoder.fit(real, Schema.build(dict.fromkeys("abc", "continuous")))
    other = encoder.rows(real.with_columns(b=pl.col("b").shuffle(seed=1)))
    first = plot_data(encoder.rows(real), other, encoder.rows(real), rng)["densities"][0]
    assert (first["x"]["column"], first["y"]["column"]) == ("a", "b")
    diagonal = np.trace(np.array(first["real"])) / np.sum(first["real"])
    assert diagonal > 2 * np.trace(np.array(first["synthetic"])) / np.sum(first["synthetic"])


def test_a_table_of_one_column_has_no_map_and_no_pairs() -> None:
    rows = encoded(pl.DataFrame({"x": ["a", "b"]}), {"x": "constant"})
    drawn = plot_data(rows, rows, rows, np.random.default_rng(0))
    assert drawn["densities"] == []


def test_columns_without_values_have_no_bars() -> None:
    frame = pl.DataFrame(
        {"x": [None, None], "y": [1.0, 2.0]}, schema={"x": pl.Float64, "y": pl.Float64}
    )
    rows = encoded(frame, {"x": "continuous", "y": "continuous"})
    margin = plot_data(rows, rows, rows, np.random.default_rng(0))["margins"][0]
    assert (margin["real"], margin["missing"]) == ([], [1.0, 1.0])
