"""Boosted trees of XGBoost: each column's class or bin drawn from what they predict.

Chen and Guestrin (2016), XGBoost. H-TDBU (arXiv:2605.28198) names the limits that are the
defaults here. A number is cut into bins, its bin is drawn from the chances, and a training value
from the bin: a mean with residuals would blur zeros, sentinels and whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import MissingExtraError
from tablewright.generators.base import Floats
from tablewright.generators.parts.association import associations, strongest
from tablewright.generators.parts.bins import BinDonors, cut
from tablewright.generators.parts.sequential import Sequential
from tablewright.tables.encoding.codec import Matrix

_FEWEST = 5  # rows of a bin of numbers, so that no single one is drawn from


class Boosted(Sequential):
    """Boosted trees per column (XGBoost), with donors from the class or bin that is drawn.

    Parameters
    ----------
    n_trees : int, default=80
        Rounds of boosting.
    max_depth : int, default=6
        Questions on the way to a leaf.
    learning_rate : float, default=0.1
        How far each round goes.
    n_bins : int, default=24
        Bins of about equal size that numbers are cut into, of at least five rows; a value that
        more than 5 % of the rows share has one of its own.
    max_rows : int or None, default=8000
        Rows to learn from; of a longer table a random part is taken. None takes all.
    max_conditions : int or None, default=12
        Columns that a column is drawn from: those that tell most of it, the target always.
        None takes all that come before it.

    Raises
    ------
    MissingExtraError
        If XGBoost is not installed.
    """

    _options: ClassVar[tuple[str, ...]] = (
        "n_trees",
        "max_depth",
        "learning_rate",
        "n_bins",
        "max_rows",
        "max_conditions",
    )
    _patterns: ClassVar[int] = 2

    def __init__(
        self,
        n_trees: int = 80,
        max_depth: int = 6,
        learning_rate: float = 0.1,
        n_bins: int = 24,
        max_rows: int | None = 8000,
        max_conditions: int | None = 12,
    ) -> None:
        import_xgboost()
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.n_bins = n_bins
        self.max_rows = max_rows
        self.max_conditions = max_conditions

    def _least(self, n_rows: int) -> int:
        return 1

    def _learn(self, matrix: Matrix, seed: int) -> None:
        super()._learn(matrix, seed)
        self._association = associations(self.ranks_, self._levels, matrix.target, seed)

    def _grow(self, j: int, features: frozenset[int]) -> BinDonors:
        asked = np.array(strongest(self._association[j], features, self.max_conditions), np.intp)
        bins = self._bins(j)
        n_bins = int(bins.max(initial=0)) + 1
        if len(asked) == 0 or n_bins == 1:
            return self._donors(j, asked, None)
        xgb = import_xgboost()
        settings = {
            "objective": "multi:softprob",
            "num_class": n_bins,
            "max_depth": self.max_depth,
            "eta": self.learning_rate,
            "tree_method": "hist",
            "nthread": 1,
            "seed": (self.seed_ + j) % 2**31,
        }
        data = xgb.DMatrix(self.ranks_[:, asked], bins, nthread=1)
        return self._donors(j, asked, xgb.train(settings, data, self.n_trees))

    def _bins(self, j: int) -> NDArray[np.intp]:
        maximum = min(self.n_bins, max(1, len(self.values_) // _FEWEST))
        return cut(self.values_[:, j], self.fields_[j].discrete, maximum)

    def _donors(self, j: int, asked: NDArray[np.intp], booster: Any) -> BinDonors:
        bins = self._bins(j)
        shares = np.bincount(bins) / len(bins)
        stored: dict[str, NDArray[Any]] = {"asked": asked}
        if booster is not None:
            raw = bytes(booster.save_raw("ubj"))
            stored["booster"] = np.frombuffer(raw, dtype=np.uint8)

        def chances(ranks: Floats) -> Floats:
            if booster is None:
                return np.tile(shares, (len(ranks), 1))
            result = booster.inplace_predict(ranks[:, asked])
            return np.asarray(result, dtype=np.float64)

        return BinDonors.of(bins, self.values_[:, j], self.ranks_, chances, stored)

    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> BinDonors:
        booster = None
        if "booster" in arrays:
            booster = import_xgboost().Booster({"nthread": 1})
            booster.load_model(bytearray(np.asarray(arrays["booster"], dtype=np.uint8).tobytes()))
        return self._donors(j, np.asarray(arrays["asked"], dtype=np.intp), booster)


def import_xgboost() -> Any:
    """Return the package, or say how to install it."""
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError("XGBoost (method 'boosted', trees='xgboost')", "xgboost") from error
    return xgboost
