"""CTGAN and TVAE by name: read off the package, drawn from without it, saved as numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tablewright.errors import InputError, MissingPackageError
from tablewright.generators.base import State
from tablewright.generators.deep import CTGAN, TVAE, Deep, Network, Output
from tablewright.tables.encoding.codec import Field, Matrix

KINDS = pytest.mark.parametrize("kind", [CTGAN, TVAE])
FIELDS = (Field("y", levels=2, target=True), Field("x"), Field("c", levels=3))


class Tensor:
    """What is asked of a tensor of torch."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, dtype=np.float32)

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.values


def linear(n_in: int, n_out: int, rng: np.random.Generator) -> Any:
    return SimpleNamespace(
        weight=Tensor(0.1 * rng.normal(size=(n_out, n_in))), bias=Tensor(rng.normal(size=n_out))
    )


class Transformer:
    """One-hot codes, and numbers as one component of their own mean and deviation."""

    def __init__(self, frame: pd.DataFrame, listed: list[str]) -> None:
        self._column_transform_info_list = []
        for name in frame:
            width: Any
            if name in listed:
                part = SimpleNamespace(dummies=sorted(frame[name].unique()))
                kind, width = "discrete", len(part.dummies)
            else:
                mixture = SimpleNamespace(
                    means_=np.array([[frame[name].mean()], [1e6]]),
                    covariances_=np.array([[[frame[name].var()]], [[1.0]]]),
                )
                part = SimpleNamespace(
                    valid_component_indicator=np.array([True, False]), _bgm_transformer=mixture
                )
                kind, width = "continuous", np.int64(2)  # as in the package
            self._column_transform_info_list.append(
                SimpleNamespace(
                    column_name=name, column_type=kind, transform=part, output_dimensions=width
                )
            )

    @property
    def width(self) -> int:
        return sum(column.output_dimensions for column in self._column_transform_info_list)


class Fake:
    """Learns nothing; its network has random weights."""

    def __init__(self, epochs: int, batch_size: int, enable_gpu: bool) -> None:
        assert not enable_gpu
        self.epochs = epochs

    def set_random_state(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def columns(self, frame: pd.DataFrame, listed: list[str]) -> Transformer:
        assert not frame.isna().any().any()
        return Transformer(frame, listed)


class FakeCTGAN(Fake):
    def fit(self, frame: pd.DataFrame, listed: list[str]) -> None:
        self._transformer = columns = self.columns(frame, listed)
        n_named = sum(len(c.transform.dummies) for c in columns._column_transform_info_list
                      if c.column_type == "discrete")  # fmt: skip
        n_in = 4 + n_named
        norm = SimpleNamespace(
            weight=Tensor([2.0] * 6), bias=Tensor([0.5] * 6), running_mean=Tensor([0.1] * 6),
            running_var=Tensor([4.0] * 6), eps=0.0,
        )  # fmt: skip
        layer = SimpleNamespace(fc=linear(n_in, 6, self.rng), bn=norm)
        last = linear(n_in + 6, columns.width, self.rng)
        self._generator = SimpleNamespace(seq=[layer, last])


class FakeTVAE(Fake):
    def fit(self, frame: pd.DataFrame, listed: list[str]) -> None:
        self.transformer = columns = self.columns(frame, listed)
        seq = [linear(4, 6, self.rng), object(), linear(6, columns.width, self.rng)]
        self.decoder = SimpleNamespace(seq=seq, sigma=Tensor([0.1] * columns.width))


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("ctgan")
    module.CTGAN, module.TVAE = FakeCTGAN, FakeTVAE  # type: ignore[attr-defined]  # a stub
    monkeypatch.setitem(sys.modules, "ctgan", module)


def matrix(n: int = 300) -> Matrix:
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 3 == 0).astype(float)
    x = rng.normal(10, 2, n)
    x[::10] = np.nan
    c = rng.integers(0, 3, n).astype(float)
    c[::7] = np.nan
    return Matrix(np.column_stack([y, x, c]), FIELDS)


@KINDS
def test_rows_follow_the_seed_and_a_stored_model_draws_the_same(kind: type[Deep]) -> None:
    fitted = kind(epochs=1).fit(matrix(), np.random.default_rng(1))
    rows = fitted.sample(200, np.random.default_rng(2))
    state = fitted.state()
    again = kind.restore(FIELDS, State(json.loads(json.dumps(state.facts)), state.arrays))
    for other in (fitted, again):
        assert np.array_equal(other.sample(200, np.random.default_rng(2)), rows, equal_nan=True)
    assert not np.array_equal(fitted.sample(200, np.random.default_rng(3)), rows, equal_nan=True)
    assert set(np.unique(rows[:, 0])) <= {0.0, 1.0}
    assert set(np.unique(rows[~np.isnan(rows[:, 2]), 2])) <= {0.0, 1.0, 2.0}
    numbers = rows[~np.isnan(rows[:, 1]), 1]
    assert np.abs(numbers - 10).max() <= 4 * 2.3  # four deviations of the component
    assert again.epochs == 1


@KINDS
def test_a_stored_model_needs_no_package(kind: type[Deep], monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = kind(epochs=1).fit(matrix(), np.random.default_rng(1))
    state = fitted.state()
    monkeypatch.setitem(sys.modules, "ctgan", None)
    assert len(kind.restore(FIELDS, state).sample(5, np.random.default_rng(0))) == 5
    name = kind.__name__.lower()
    with pytest.raises(MissingPackageError, match=rf"method '{name}' needs the package ctgan"):
        kind()


@KINDS
def test_gaps_of_numbers_and_codes_come_back_as_gaps(kind: type[Deep]) -> None:
    fitted = kind(epochs=1).fit(matrix(), np.random.default_rng(1))
    fitted.network_.weights[-1][:] *= 30  # so that outputs, and not biases, decide
    fitted.network_.biases[-1][:] = 0
    rows = fitted.sample(2000, np.random.default_rng(2))
    assert np.isnan(rows).any(axis=0).tolist() == [False, True, True]


def test_a_layer_takes_its_batch_norm_in() -> None:
    fitted = CTGAN(epochs=1).fit(matrix(), np.random.default_rng(1))
    seed = int(np.random.default_rng(1).integers(2**31))
    fresh = linear(fitted.network_.weights[0].shape[1], 6, np.random.default_rng(seed))
    inputs = np.random.default_rng(5).normal(size=(3, fresh.weight.values.shape[1]))
    plain = inputs @ fresh.weight.values.T.astype(float) + fresh.bias.values
    normed = np.maximum((plain - 0.1) / 2 * 2 + 0.5, 0)
    last = fitted.network_.weights[1], fitted.network_.biases[1]
    expected = np.column_stack([normed, inputs]) @ last[0].T + last[1]
    np.testing.assert_allclose(fitted.network_(inputs), expected, atol=1e-5)


def test_a_network_without_residuals_hands_on_its_outputs_alone() -> None:
    network = Network([np.eye(2), np.ones((1, 2))], [np.array([0.0, -1.0]), np.zeros(1)], False)
    assert network(np.array([[2.0, 3.0], [-1.0, 0.5]])).tolist() == [[4.0], [0.0]]


def test_outputs_become_cells_of_the_drawn_component() -> None:
    rng = np.random.default_rng(0)
    number = Output(0, np.array([0.0, 100.0]), np.array([1.0, 2.0]), np.zeros(0))
    found = number.cells(np.array([[0.0, 5.0, -5.0], [50.0, -5.0, 5.0]]), rng, draws=False)
    assert found.tolist() == [0.0, 108.0]  # the middle of one, four deviations up in the other
    codes = Output(0, np.array([0.0, np.nan]), np.zeros(0), np.array([0.5, 0.5]))
    assert np.isnan(codes.cells(np.array([[0.0, 1.0]]), rng, draws=False)).all()
    drawn = codes.cells(np.tile([0.0, np.log(3)], (4000, 1)), rng, draws=True)
    # The share of a value whose logit is that of three to one; 4 deviations of 4,000 draws.
    assert abs(np.isnan(drawn).mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 4000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs is a whole number from 1 on, not 0"),
        ({"batch_size": 1.5}, "batch_size is a whole number from 1 on, not 1.5"),
        ({"batch_size": 25}, "batch_size is a multiple of 10, not 25"),
    ],
)
def test_options_out_of_range_are_told(options: dict[str, Any], message: str) -> None:
    make: Callable[..., Deep] = CTGAN
    with pytest.raises(InputError, match=message):
        make(**options)
