"""Tables with rare classes: scikit-learn's, simulators, and files under `--data`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from sklearn import datasets

from benchmarks.tables import ADULT, read, simulated

TARGET = "class"


def _frame(values: np.ndarray, names: list[str], classes: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(values, schema=names).with_columns(
        pl.Series(TARGET, [f"c{label}" for label in classes])
    )


def thinned(frame: pl.DataFrame, sizes: dict[str, int], seed: int = 0) -> pl.DataFrame:
    """Take as many rows of each class as are named, all of the others."""
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    parts = [
        part.head(sizes.get(str(label), part.height))
        for (label,), part in shuffled.group_by(TARGET, maintain_order=True)
    ]
    return pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)


def _bundled(load: object, sizes: dict[str, int]) -> pl.DataFrame:
    data = load()
    names = [f"x{j}" for j in range(data.data.shape[1])]
    return thinned(_frame(data.data, names, data.target), sizes)


def weather(n_rows: int = 1461, seed: int = 3) -> pl.DataFrame:
    """Daily weather of five kinds, two of them rare (23 and 54 rows), which overlap."""
    rng = np.random.default_rng(seed)
    sizes = {"drizzle": 54, "snow": 23, "fog": 101, "rain": 641, "sun": 642}
    kinds = np.repeat(list(sizes), list(sizes.values()))
    season = rng.uniform(0, 2 * np.pi, n_rows)
    season[kinds == "snow"] = rng.normal(0, 0.7, 23)
    wet = np.select([kinds == "rain", kinds == "snow", kinds == "sun"], [7.0, 8.0, 0.0], 0.3)
    rain = np.where(rng.random(n_rows) < 0.15, 0, rng.gamma(1, np.maximum(wet, 0.05))).round(1)
    warm = 16 - 9 * np.cos(season) + rng.normal(0, 4, n_rows) - 5 * (kinds == "rain")
    warm -= 4 * (kinds == "snow")
    cold = warm - rng.gamma(6, 1.2, n_rows) - 3 * (kinds == "fog")
    wind = rng.gamma(5, 0.6, n_rows) + 0.8 * (kinds == "rain") - 0.5 * (kinds == "fog")
    month = (season % (2 * np.pi) / (2 * np.pi) * 12).astype(int) + 1
    columns = {"rain": rain, "max": warm.round(1), "min": cold.round(1), "wind": wind.round(1)}
    return pl.DataFrame({**columns, "month": month.astype(str), TARGET: kinds})


def hidden(n_rows: int = 1000, rare: int = 40, seed: int = 1) -> pl.DataFrame:
    """Two lumps of a rare class inside a common one, categories among the columns."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) < rare
    x = rng.normal(size=(n_rows, 6))
    x[y, :2] += np.where(rng.random((rare, 1)) < 0.5, 2.0, -2.0)
    group = np.where(
        rng.random(n_rows) < np.where(y, 0.6, 0.2), "a", rng.choice(["b", "c"], n_rows)
    )
    frame = _frame(x.round(3), [f"x{j}" for j in range(6)], y * 1)
    return frame.with_columns(pl.Series("group", group)).sample(
        fraction=1.0, shuffle=True, seed=seed
    )


def tables(data: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield a name and a table with the column `class`."""
    yield "weather (simulated)", weather()
    yield "lumps (simulated)", hidden()
    yield "cancer 300 + 20", _bundled(datasets.load_breast_cancer, {"c0": 20, "c1": 300})
    yield "wine 59 + 71 + 12", _bundled(datasets.load_wine, {"c2": 12})
    yield "iris 50 + 50 + 10", _bundled(datasets.load_iris, {"c2": 10})
    yield "digits 0, 8 (20)", _digits()
    rng = np.random.default_rng(4)
    yield "churn (simulated)", simulated(1200, rng).rename({"churn": TARGET})
    adult = read(data, ADULT)
    target = adult.columns[-1]
    adult = _numbers(adult).rename({target: TARGET}).head(6000)
    rare = adult[TARGET].value_counts().sort("count")[TARGET][0]
    common = adult[TARGET].value_counts().sort("count")[TARGET][1]
    yield "adult 1,000 + 40", thinned(adult, {rare: 40, common: 1000})
    sick = pl.read_csv(data / "rddg/train.csv", infer_schema_length=None)
    sick = sick.rename({sick.columns[0]: TARGET}).with_columns(pl.col(TARGET).cast(pl.String))
    yield "sick 1,500", sick.sample(1500, seed=0, shuffle=True)
    bank = pl.read_csv(data / "htdbu/bank_full.csv", separator=_separator(data))
    bank = bank.rename({bank.columns[-1]: TARGET}).with_columns(pl.col(TARGET).cast(pl.String))
    small = bank[TARGET].value_counts().sort("count")[TARGET]
    yield "bank 1,000 + 60", thinned(bank, {small[0]: 60, small[1]: 1000})
    for name, rare_rows in (("MagicTelescope", 40), ("heloc", 40)):
        frame = _kept(data / f"date/{name}/real.parquet")
        yield f"{name} 1,000 + {rare_rows}", _two_classes(frame, rare_rows)
    travel = pl.read_csv(data / "rddg/travel/full.csv").rename({"Target": TARGET})
    yield (
        "travel 730 + 40",
        _two_classes(travel.with_columns(pl.format("c{}", TARGET).alias(TARGET)), 40),
    )
    asia = pl.read_csv(data / "mallm_gan/asia_10000.csv", infer_schema=False)
    lung = next(name for name in asia.columns if name.lower().startswith("lung"))
    yield "asia, lung, 1,500", asia.rename({lung: TARGET}).head(1500)
    insurance = pl.read_csv(data / "mallm_gan/insurance_1338.csv").rename({"smoker": TARGET})
    insurance = insurance.with_columns(pl.col(TARGET).cast(pl.String))
    yield "insurance, smokers, 1,000 + 40", _two_classes(insurance, 40)
    yield "diabetes, highest tenth", _diabetes()
    yield "digits, ten classes, two rare", _ten_digits()


def _kept(path: Path) -> pl.DataFrame:
    """Read a recorded table; its last column is the class."""
    frame = pl.read_parquet(path)
    names = {frame.columns[-1]: TARGET}
    return frame.rename(names).with_columns(pl.format("c{}", TARGET).alias(TARGET))


def _two_classes(frame: pl.DataFrame, rare_rows: int) -> pl.DataFrame:
    """Thin the smaller class to so many rows, and the larger to at most 1,000."""
    smaller, larger = frame[TARGET].value_counts().sort("count", TARGET)[TARGET].to_list()
    return thinned(frame, {smaller: rare_rows, larger: 1000})


def _diabetes() -> pl.DataFrame:
    data = datasets.load_diabetes()
    highest = data.target > np.quantile(data.target, 0.9)
    return _frame(data.data, list(data.feature_names), highest * 1)


def _ten_digits() -> pl.DataFrame:
    data = datasets.load_digits()
    names = [f"p{j}" for j in range(64)]
    sizes = {f"c{digit}": 60 for digit in range(8)} | {"c8": 12, "c9": 12}
    return thinned(_frame(data.data, names, data.target), sizes).select([*names[16:48], TARGET])


def _separator(data: Path) -> str:
    with (data / "htdbu/bank_full.csv").open() as lines:
        return ";" if ";" in lines.readline() else ","


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Cast columns of numbers, which the reader left as text."""
    cast = {name: frame[name].cast(pl.Float64, strict=False) for name in frame.columns}
    whole = [n for n, c in cast.items() if c.null_count() == frame[n].null_count()]
    return frame.with_columns(cast[name] for name in whole)


def _digits() -> pl.DataFrame:
    data = datasets.load_digits()
    keep = np.isin(data.target, (3, 8))
    names = [f"p{j}" for j in range(64)]
    frame = _frame(data.data[keep], names, data.target[keep])
    return thinned(frame, {"c8": 20}).select([*names[16:48], TARGET])
