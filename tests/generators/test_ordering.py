"""Codes in an order that goes along with other columns."""

from __future__ import annotations

import numpy as np

from tablewright.generators.parts.ordering import order_codes, profile
from tablewright.tables.encoding.codec import Field, Matrix


def up_or_down(order: list[int], expected: list[int]) -> bool:
    return order in (expected, expected[::-1])


def test_two_classes_order_codes_by_their_rate() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, 4000)
    target = generator.random(4000) < np.array([0.7, 0.1, 0.4, 0.9])[codes]
    fields = (Field("c", levels=4), Field("y", levels=2, target=True))
    columns = profile(Matrix(np.column_stack([codes, target]).astype(float), fields))
    assert up_or_down(order_codes(codes, 4, columns).tolist(), [1, 2, 0, 3])


def test_several_classes_order_codes_along_the_main_difference() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, 6000)
    shares = np.array([[0.8, 0.2, 0.0], [0.0, 0.2, 0.8], [0.4, 0.2, 0.4]])
    target = (generator.random(6000)[:, None] > shares[codes].cumsum(axis=1)).sum(axis=1)
    fields = (Field("c", levels=3), Field("y", levels=3, target=True))
    columns = profile(Matrix(np.column_stack([codes, target]).astype(float), fields))
    assert up_or_down(order_codes(codes, 3, columns).tolist(), [0, 2, 1])


def test_inside_a_class_numbers_order_codes() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, 900)
    height = np.array([5.0, -5.0, 0.0])[codes] + generator.normal(size=900)
    fields = (Field("c", levels=3), Field("h"), Field("y", levels=2, target=True))
    rows = np.column_stack([codes, height, generator.integers(0, 2, 900)]).astype(float)
    columns = profile(Matrix(rows, fields), within_classes=True)
    assert up_or_down(order_codes(codes, 3, columns).tolist(), [1, 2, 0])


def test_a_table_of_codes_alone_is_ordered_by_the_other_columns() -> None:
    generator = np.random.default_rng(0)
    first = generator.integers(0, 3, 900)
    second = np.where(generator.random(900) < 0.8, first, generator.integers(0, 3, 900))
    fields = (Field("a", levels=3), Field("b", levels=3))
    columns = profile(Matrix(np.column_stack([first, second]).astype(float), fields))
    orders = [order_codes(codes, 3, columns).tolist() for codes in (first, second)]
    assert orders[0] == orders[1]
