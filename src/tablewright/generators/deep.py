"""CTGAN and TVAE by name: learned by the package ``ctgan``, kept and drawn from as plain arrays.

Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), Modeling Tabular data using Conditional
GAN. The package (Business Source Licence) and torch are needed to learn and at no other time: what
was learned is a small network and how its outputs become cells, so rows follow our seed, and a
model file holds numbers alone.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError, MissingPackageError
from tablewright.generators.base import State
from tablewright.generators.plugin import Plugin
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tablewright.tables.io.frames import Restore
from tablewright.threads import one_thread

_SPREAD = 4  # standard deviations of a component that its outputs from -1 to 1 stand for


@dataclass(frozen=True)
class Output:
    """How outputs of the network become a column.

    Attributes
    ----------
    first : int
        Its first output.
    values : ndarray of float
        Of a discrete column the codes, NaN for missing; of a number the means of its components.
    deviations : ndarray of float
        Of a number's components; empty for a discrete column.
    shares : ndarray of float
        Shares of the values among the real rows; empty for a number.
    noise : float
        Deviation of a number within its component, as an output.
    """

    first: int
    values: Floats
    deviations: Floats
    shares: Floats
    noise: float = 0.0

    @property
    def is_number(self) -> bool:
        """Whether the column is a number."""
        return len(self.deviations) > 0

    def cells(self, outputs: Floats, rng: np.random.Generator, draws: bool) -> Floats:
        """Return the cells of rows; `draws` says whether a value is drawn, or the likeliest one."""
        first = self.first + self.is_number
        logits = outputs[:, first : first + len(self.values)]
        if draws:
            logits = logits + rng.gumbel(size=logits.shape)
        chosen = logits.argmax(axis=1)
        if not self.is_number:
            return np.asarray(self.values[chosen])
        inner = np.tanh(outputs[:, self.first])
        if self.noise:
            inner = rng.normal(inner, self.noise)
        scale = _SPREAD * self.deviations[chosen]
        return np.asarray(self.values[chosen] + scale * np.clip(inner, -1, 1))


@dataclass(frozen=True)
class Network:
    """A fitted generator network: layers with ReLU between, the last one linear.

    Attributes
    ----------
    weights, biases : list of ndarray
    residual : bool
        Whether a layer hands its inputs on beside its outputs, as those of CTGAN do.
    """

    weights: list[Floats]
    biases: list[Floats]
    residual: bool

    def __call__(self, inputs: Floats) -> Floats:
        """Return the outputs for each row of inputs."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            found = np.maximum(inputs @ weight.T + bias, 0.0)
            inputs = np.column_stack([found, inputs]) if self.residual else found
        return np.asarray(inputs @ self.weights[-1].T + self.biases[-1])


class Deep(Plugin, ABC):
    """What CTGAN and TVAE have in common.

    Parameters
    ----------
    epochs : int, default=300
        Times that the rows are gone through.
    batch_size : int, default=500
        Rows of a step.

    Raises
    ------
    MissingPackageError
        If ``ctgan`` is not installed.
    """

    kind: ClassVar[str]

    def __init__(self, epochs: int = 300, batch_size: int = 500) -> None:
        _import_ctgan(self.kind)
        for name, value in (("epochs", epochs), ("batch_size", batch_size)):
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} is a whole number from 1 on, not {value!r}")
        if batch_size % 10:
            raise InputError(f"batch_size is a multiple of 10, not {batch_size}")
        self.epochs = epochs
        self.batch_size = batch_size

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        package = _import_ctgan(self.kind)
        self.fields_ = matrix.fields
        frame, listed = _frame(matrix)
        model = getattr(package, self.kind)(
            epochs=self.epochs, batch_size=self.batch_size, enable_gpu=False
        )
        model.set_random_state(int(rng.integers(2**31)))
        with warnings.catch_warnings(), one_thread():
            warnings.simplefilter("ignore")  # mixtures of few values do not converge
            model.fit(frame, listed)
        self._read(model, frame)

    @abstractmethod
    def _read(self, model: Any, frame: Any) -> None:
        """Take the network and its outputs out of a fitted model."""

    def _keep(self, layers: Any, transformer: Any, frame: Any, sigmas: Any = None) -> None:
        pairs = [_folded(layer) for layer in layers if hasattr(layer, "fc") or _has_weight(layer)]
        residual = any(hasattr(layer, "fc") for layer in layers)
        self.network_ = Network([w for w, _ in pairs], [b for _, b in pairs], residual)
        self.outputs_ = dict(_outputs(transformer, frame, sigmas))

    def _seed(self, rng: np.random.Generator) -> None:
        self._rng = np.random.default_rng(rng.integers(2**63))

    def _draw(self, n_rows: int) -> Floats:
        """Draw rows from the network."""
        conditions = self._conditions(n_rows)
        width = self.network_.weights[0].shape[1] - conditions.shape[1]
        noise = self._rng.normal(size=(n_rows, width))
        with one_thread():
            found = self.network_(np.column_stack([noise, conditions]))
        cells = {
            name: output.cells(found, self._rng, self.network_.residual)
            for name, output in self.outputs_.items()
        }
        for name in [name for name in cells if name.endswith(_MISSING)]:
            gap = cells.pop(name)
            column = name.removesuffix(_MISSING)
            cells[column] = np.where(gap == 1, np.nan, cells[column])
        return np.column_stack([cells[str(j)] for j in range(len(self.fields_))])

    def _conditions(self, n_rows: int) -> Floats:
        """Name a value of one discrete column a row, by its share, as CTGAN does."""
        listed = [output for output in self.outputs_.values() if not output.is_number]
        if not (self.network_.residual and listed):
            return np.empty((n_rows, 0))
        starts = np.cumsum([0, *(len(output.values) for output in listed)])
        result = np.zeros((n_rows, int(starts[-1])))
        column = self._rng.integers(len(listed), size=n_rows)
        for j, output in enumerate(listed):
            rows = np.flatnonzero(column == j)
            chosen = self._rng.choice(len(output.values), size=len(rows), p=output.shares)
            result[rows, starts[j] + chosen] = 1.0
        return result

    def _state(self) -> State:
        network = self.network_
        layers = zip(network.weights, network.biases, strict=True)
        arrays: dict[str, NDArray[Any]] = {}
        for k, (weight, bias) in enumerate(layers):
            arrays |= {f"layer/{k}/weight": weight, f"layer/{k}/bias": bias}
        for name, output in self.outputs_.items():
            for part in ("values", "deviations", "shares"):
                arrays[f"output/{name}/{part}"] = getattr(output, part)
        facts = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "residual": network.residual,
            "layers": len(network.weights),
            "outputs": {name: [o.first, o.noise] for name, o in self.outputs_.items()},
        }
        return State(facts, arrays)

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        facts, arrays = state.facts, state.arrays
        self = cls.__new__(cls)  # what was learned needs no package
        self.epochs, self.batch_size = facts["epochs"], facts["batch_size"]
        layers = range(facts["layers"])
        self.network_ = Network(
            [arrays[f"layer/{k}/weight"] for k in layers],
            [arrays[f"layer/{k}/bias"] for k in layers],
            facts["residual"],
        )
        self.outputs_ = {
            name: Output(
                first,
                arrays[f"output/{name}/values"],
                arrays[f"output/{name}/deviations"],
                arrays[f"output/{name}/shares"],
                noise,
            )
            for name, (first, noise) in facts["outputs"].items()
        }
        return self


class CTGAN(Deep):
    """CTGAN of the package ``ctgan``, where it is installed: a conditional GAN."""

    kind = "CTGAN"

    def _read(self, model: Any, frame: Any) -> None:
        self._keep(list(model._generator.seq), model._transformer, frame)


class TVAE(Deep):
    """TVAE of the package ``ctgan``, where it is installed: a variational autoencoder."""

    kind = "TVAE"

    def _read(self, model: Any, frame: Any) -> None:
        sigmas = _array(model.decoder.sigma)
        self._keep(list(model.decoder.seq), model.transformer, frame, sigmas)


_MISSING = " missing"


def _import_ctgan(kind: str) -> Any:
    try:
        import ctgan
    except ImportError as error:
        raise MissingPackageError(f"method {kind.lower()!r}", "ctgan") from error
    return ctgan


def _frame(matrix: Matrix) -> tuple[Any, list[str]]:
    """Return rows for the package, which knows no gaps, and the names of discrete columns."""
    columns: dict[str, Any] = {}
    listed = []
    for j, field in enumerate(matrix.fields):
        values, name = matrix.values[:, j], str(j)
        gaps = np.isnan(values)
        if field.discrete:
            columns[name] = np.where(gaps, -1, values).astype(np.int64).astype(str)
            listed.append(name)
            continue
        filled = np.nanmean(values) if not gaps.all() else 0.0
        columns[name] = np.where(gaps, filled, values)
        if gaps.any():
            columns[name + _MISSING] = gaps.astype(np.int64).astype(str)
            listed.append(name + _MISSING)
    return Restore("pandas")(pl.DataFrame(columns)), listed


def _has_weight(layer: Any) -> bool:
    return hasattr(layer, "weight") and hasattr(layer, "bias")


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def _folded(layer: Any) -> tuple[Floats, Floats]:
    """Return weight and bias of a layer, those of the batch norm behind it taken in."""
    linear = getattr(layer, "fc", layer)
    weight, bias = _array(linear.weight), _array(linear.bias)
    norm = getattr(layer, "bn", None)
    if norm is None:
        return weight, bias
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return weight * scale[:, None], (bias - _array(norm.running_mean)) * scale + _array(norm.bias)


def _outputs(transformer: Any, frame: Any, sigmas: Floats | None) -> Iterator[tuple[str, Output]]:
    """Read how outputs become columns off the transformer of the package."""
    first, none = 0, np.zeros(0)
    for column in transformer._column_transform_info_list:
        name, part = column.column_name, column.transform
        if column.column_type == "discrete":
            codes = [str(code) for code in part.dummies]
            counts: Mapping[str, int] = frame[name].value_counts().to_dict()
            shares = np.array([counts[code] for code in codes], dtype=float) / len(frame)
            values = np.array([np.nan if code == "-1" else float(code) for code in codes])
            yield name, Output(first, values, none, shares)
        else:
            valid, mixture = part.valid_component_indicator, part._bgm_transformer
            means = np.asarray(mixture.means_, dtype=float).ravel()[valid]
            deviations = np.sqrt(np.asarray(mixture.covariances_, dtype=float)).ravel()[valid]
            noise = 0.0 if sigmas is None else float(sigmas[first])
            yield name, Output(first, means, deviations, none, noise)
        first += int(column.output_dimensions)  # of numbers it is one of NumPy, which no file takes
