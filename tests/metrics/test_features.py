"""Features of a table, with values worked by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from tests.metrics.tables import (
    encoder_of,
    rng,
)


def test_levels_come_by_frequency_then_by_name_and_unseen_ones_share_a_code() -> None:
    frame = pl.DataFrame({"c": ["b", "a", "c", "c", None]})
    encoder = encoder_of(frame, c="categorical")
    assert encoder.features[0].levels == ("c", "a", "b")
    codes = encoder.rows(pl.DataFrame({"c": ["a", "b", "c", "x", None, " a "]})).values[:, 0]
    assert codes.tolist()[:4] == [1.0, 2.0, 0.0, 3.0]
    assert np.isnan(codes[4])
    assert codes[5] == 1.0  # blanks around a label are no other label


def test_a_discrete_column_without_any_value_has_no_level() -> None:
    frame = pl.DataFrame({"c": pl.Series([None, None], dtype=pl.String)})
    encoder = encoder_of(frame, c="categorical")
    codes = encoder.rows(pl.DataFrame({"c": ["a", None]})).values[:, 0]
    assert codes[0] == 0.0
    assert np.isnan(codes[1])


@pytest.mark.parametrize(
    ("real", "other"),
    [
        ([1, 2, 2], ["2", "1.0", " 2 "]),
        ([1, 2, 2], [2.0, 1.0, 2.0]),
        ([1.5, 2.0, 2.0], ["2.0", "1.5", "2"]),
        ([True, False, False], ["FALSE", "1", "0.0"]),
        ([True, False, False], [0, 1, 0]),
        (["2", "1", "2"], [2.0, 1.0, 2.0]),
    ],
)
def test_labels_do_not_depend_on_how_they_were_stored(
    real: list[object], other: list[object]
) -> None:
    encoder = encoder_of(pl.DataFrame({"c": real}), c="categorical")
    codes = encoder.rows(pl.DataFrame({"c": other})).values[:, 0]
    assert codes[0] == codes[2] != codes[1]
    assert codes.max() < 2  # none is new


def test_numbers_are_binned_at_deciles_and_missing_ones_last() -> None:
    frame = pl.DataFrame({"x": np.arange(1.0, 101.0)})
    feature = encoder_of(frame, x="continuous").features[0]
    assert feature.n_bins == 11
    assert np.diff(feature.edges) == pytest.approx(np.full(8, 10), abs=1)
    bins = feature.binned(np.array([-5.0, 1.0, 100.0, 999.0, np.nan]))
    assert bins.tolist() == [0, 0, 9, 9, 10]
    assert np.bincount(feature.binned(frame["x"].to_numpy())).tolist() == pytest.approx(
        [10] * 10, abs=1
    )


def test_an_edge_belongs_to_the_bin_above_it() -> None:
    feature = encoder_of(pl.DataFrame({"x": [0.0, 0.0, 0.0, 1.0]}), x="continuous").features[0]
    assert feature.edges.tolist() == [0.0, 1.0]
    assert feature.binned(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0, 1, 1, 2]


def test_standard_scores_end_at_twenty_and_a_flat_column_has_scale_one() -> None:
    frame = pl.DataFrame({"x": [0.0, 2.0], "k": [3.0, 3.0]})
    rows = encoder_of(frame, x="continuous", k="continuous").rows(
        pl.DataFrame({"x": [1e6, -1e6, None], "k": [3.0, 4.5, 3.0]})
    )
    assert rows.standardised().tolist() == [
        [20.0, 0.0, 0.0, 0.0], [-20.0, 0.0, 1.5, 0.0], [0.0, 1.0, 0.0, 0.0]
    ]  # fmt: skip
    assert rows.standardised(without=0).tolist() == [[0.0, 0.0], [1.5, 0.0], [0.0, 0.0]]


def test_coordinates_span_one_unit_and_two_categories_are_one_apart() -> None:
    frame = pl.DataFrame({"x": [10.0, 20.0], "c": ["a", "b"]})
    rows = encoder_of(frame, x="continuous", c="categorical").rows(
        pl.DataFrame({"x": [10.0, 20.0, 1e9, None], "c": ["a", "b", "a", "a"]})
    )
    at = rows.embedded
    assert at[:3, 0].tolist() == [0.0, 1.0, 6.0]
    assert at[3, :2].tolist() == [0.5, 1.0]  # the mean, marked as missing
    assert np.linalg.norm(at[0, 2:] - at[1, 2:]) == pytest.approx(1.0)


def test_rare_levels_beyond_thirty_share_an_indicator() -> None:
    names = [f"k{j:02}" for j in range(35) for _ in range(40 - j)]
    encoder = encoder_of(pl.DataFrame({"c": names}), c="categorical")
    rows = encoder.rows(pl.DataFrame({"c": ["k00", "k29", "k30", "k34", "new", None]}))
    assert rows.standardised().argmax(axis=1).tolist() == [0, 29, 30, 30, 30, 31]
    assert rows.standardised().shape == (6, 32)


def test_times_spans_and_clock_times_are_numbers() -> None:
    frame = pl.DataFrame(
        {
            "at": [dt.datetime(1970, 1, 2, 12), dt.datetime(1970, 1, 3)],
            "took": [dt.timedelta(minutes=1), dt.timedelta(seconds=1)],
            "clock": [dt.time(12), dt.time(0)],
        }
    )
    rows = encoder_of(frame, at="datetime", took="timedelta", clock="datetime").rows(frame)
    assert rows.values.tolist() == [[1.5, 60.0, 0.5], [2.0, 1.0, 0.0]]
    text = encoder_of(frame.select("at"), at="datetime").rows(
        pl.DataFrame({"at": ["1970-01-02 06:00:00", "?"]})
    )
    assert text.values[0, 0] == 1.25
    assert np.isnan(text.values[1, 0])


def test_texts_count_by_their_length_and_infinite_numbers_are_missing() -> None:
    frame = pl.DataFrame({"t": ["abc", None], "x": [np.inf, 1.0]})
    rows = encoder_of(frame, t="text", x="continuous").rows(frame)
    assert rows.values[0, 0] == 3.0
    assert np.isnan(rows.values[1, 0])
    assert np.isnan(rows.values[0, 1])
    assert encoder_of(frame, t="text", x="continuous").features[1].high == 1.0


@pytest.mark.parametrize(
    ("column", "decimals"),
    [
        ({"kind": "integer", "decimals": 3}, 0),
        ({"kind": "continuous", "decimals": 2}, 2),
        ("continuous", 9),
    ],
)
def test_numbers_are_compared_at_the_decimals_of_the_schema(column: object, decimals: int) -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    assert encoder_of(frame, x=column).features[0].decimals == decimals


def test_cells_are_compared_as_written_and_minus_zero_is_zero() -> None:
    frame = pl.DataFrame({"x": [1.004, -0.001, None], "t": ["A", "B", None], "c": ["u", "v", None]})
    encoder = encoder_of(frame, x={"kind": "continuous", "decimals": 2}, t="text", c="categorical")
    rows = encoder.rows(frame.with_columns(c=pl.Series(["u", "w", None])))
    assert rows.take_column(0).to_list() == [1.0, 0.0, None]
    assert not np.signbit(rows.take_column(0).to_numpy()[1])
    assert rows.take_column(1).to_list() == ["A", "B", None]
    assert rows.take_column(2).to_list() == ["0.0", "unseen w", None]


def test_rows_are_taken_by_mask_or_number_and_cut_in_order() -> None:
    frame = pl.DataFrame({"x": [5.0, 6.0, 7.0, 8.0]})
    rows = encoder_of(frame, x="continuous").rows(frame)
    assert rows.take(np.array([True, False, False, True])).values.ravel().tolist() == [5.0, 8.0]
    assert rows.take([3, 0]).frame["x"].to_list() == [8.0, 5.0]
    assert rows.cut(4, rng()) is rows
    cut = rows.cut(3, rng()).values.ravel().tolist()
    assert cut == sorted(set(cut))
    assert len(cut) == 3


def test_an_ordinal_column_with_an_undeclared_level_is_a_plain_category() -> None:
    frame = pl.DataFrame({"size": ["s", "m", "huge"]})
    feature = encoder_of(frame, size={"kind": "ordinal", "categories": ["s", "m"]}).features[0]
    assert feature.ranks is None


def test_without_rows_or_columns_there_is_nothing_and_one_sentence() -> None:
    with pytest.raises(ValueError, match="the training table has no rows"):
        encoder_of(pl.DataFrame({"x": pl.Series([], dtype=pl.Float64)}), x="continuous")
    only = encoder_of(pl.DataFrame({"id": ["a", "b"]}), id="identifier")
    rows = only.rows(pl.DataFrame({"id": ["c"]}))
    assert rows.values.shape == rows.embedded.shape == rows.binned.shape == (1, 0)
    assert only.target is None
