"""The tables of the benchmark: rows, target, and one sentence that a user would give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn import datasets


@dataclass(frozen=True)
class LabelTable:
    """One table.

    Attributes
    ----------
    name : str
    frame : DataFrame
        A fixed draw of rows, in an order of its own.
    target : str
    classes : tuple of str
        Values of the target in the order of the question; empty for a number.
    about : str
        What the model is told of the table.
    question : str
        What it is asked of a row.
    """

    name: str
    frame: pl.DataFrame
    target: str
    classes: tuple[str, ...]
    about: str
    question: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return not self.classes


def _sampled(frame: pl.DataFrame, n_rows: int, seed: int = 7) -> pl.DataFrame:
    order = np.random.default_rng(seed).permutation(frame.height)[:n_rows]
    return frame[order.tolist()]


def adult(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_csv(data / "tabular/adult.csv", null_values=["?"])
    about = "One row describes one adult of the United States census of 1994."
    asked = "Does this person earn more than 50,000 dollars a year?"
    return LabelTable("adult", _sampled(frame, n_rows), "salary", ("<=50K", ">50K"), about, asked)


def travel(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_csv(data / "rddg/travel/full.csv")
    frame = frame.rename({"Target": "churned"})
    frame = frame.with_columns(pl.col("churned").cast(pl.String).replace({"0": "no", "1": "yes"}))
    frame = frame.select([*[c for c in frame.columns if c != "churned"], "churned"])
    about = "One row describes one customer of a travel agency; churned: the customer has left."
    asked = "Will this customer leave the agency?"
    return LabelTable("travel", _sampled(frame, n_rows), "churned", ("no", "yes"), about, asked)


def compas(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_csv(data / "tabular/compas_readable.csv").select(
        "sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
        "c_charge_degree", "c_charge_desc",
        pl.col("two_year_recid").cast(pl.String).replace({"0": "no", "1": "yes"}),
    )  # fmt: skip
    about = (
        "One row describes one defendant in Broward County, Florida; two_year_recid: arrested "
        "again within two years."
    )
    asked = "Was this person arrested again within two years?"
    return LabelTable(
        "compas", _sampled(frame, n_rows), "two_year_recid", ("no", "yes"), about, asked
    )


def heloc(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_parquet(data / "date/heloc/real.parquet")
    names = {"0": "Bad", "1": "Good"}
    frame = frame.with_columns(pl.col("RiskPerformance").cast(pl.String).replace(names))
    about = (
        "One row describes one applicant for a home equity line of credit; RiskPerformance: Bad "
        "was 90 days late within two years; negative values are special codes."
    )
    asked = "Did this applicant pay back without being 90 days late?"
    table = _sampled(frame.filter(pl.col("ExternalRiskEstimate") > 0), n_rows)
    return LabelTable("heloc", table, "RiskPerformance", ("Bad", "Good"), about, asked)


def breast_cancer(data: Path, n_rows: int) -> LabelTable:
    bunch = datasets.load_breast_cancer()
    frame = pl.DataFrame(bunch.data[:, :10], schema=list(bunch.feature_names[:10]))
    labels = pl.Series("diagnosis", [str(bunch.target_names[t]) for t in bunch.target])
    about = "One row describes the cell nuclei of one breast mass."
    asked = "Is this breast mass malignant?"
    table = _sampled(frame.with_columns(labels), n_rows)
    return LabelTable("breast_cancer", table, "diagnosis", ("benign", "malignant"), about, asked)


def diabetes(data: Path, n_rows: int) -> LabelTable:
    bunch = datasets.load_diabetes(scaled=False)
    names = ["age", "sex", "bmi", "blood pressure", "total cholesterol", "LDL", "HDL",
             "total cholesterol / HDL", "log triglycerides", "blood sugar"]  # fmt: skip
    frame = pl.DataFrame(bunch.data, schema=names)
    frame = frame.with_columns(pl.Series("disease progression", bunch.target))
    about = "One row describes one diabetes patient; disease progression is measured a year later."
    asked = "How far will the disease progress, compared with other patients?"
    return LabelTable("diabetes", _sampled(frame, n_rows), "disease progression", (), about, asked)


def insurance(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_csv(data / "mallm_gan/insurance_1338.csv")
    about = "One row describes one person insured; charges are the yearly medical costs."
    asked = "How high are the charges, compared with other people?"
    return LabelTable("insurance", _sampled(frame, n_rows), "charges", (), about, asked)


def wine(data: Path, n_rows: int) -> LabelTable:
    bunch = datasets.load_wine()
    frame = pl.DataFrame(bunch.data, schema=list(bunch.feature_names))
    names = ("Barolo", "Grignolino", "Barbera")
    frame = frame.with_columns(pl.Series("cultivar", [names[t] for t in bunch.target]))
    about = "One row describes one Italian wine of Piedmont."
    asked = "Which grape is this wine made of?"
    return LabelTable("wine", _sampled(frame, n_rows), "cultivar", names, about, asked)


def bank(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_csv(data / "htdbu/bank_full.csv").filter(pl.col("y").is_in(["no", "yes"]))
    frame = frame.rename({"y": "subscribed"})
    about = "One row describes one call of a Portuguese bank to a client about a term deposit."
    asked = "Did this client subscribe to the deposit?"
    return LabelTable("bank", _sampled(frame, n_rows), "subscribed", ("no", "yes"), about, asked)


def california(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_parquet(data / "date/california/real.parquet")
    names = {"0": "no", "1": "yes"}
    frame = frame.with_columns(pl.col("price_above_median").cast(pl.String).replace(names))
    about = "One row describes the houses of one district of California in 1990."
    asked = "Are houses in this district dearer than the median?"
    return LabelTable("california", _sampled(frame, n_rows), "price_above_median",
                      ("no", "yes"), about, asked)  # fmt: skip


def boston(data: Path, n_rows: int) -> LabelTable:
    frame = pl.read_parquet(data / "date/boston/real.parquet")
    about = "One row describes the homes of one suburb of Boston; MEDV is their median value."
    asked = "How dear are homes here, compared with other suburbs?"
    return LabelTable("boston", _sampled(frame, n_rows), "MEDV", (), about, asked)


REPORTED = {
    "adult": (adult, 160), "travel": (travel, 120), "insurance": (insurance, 100),
    "diabetes": (diabetes, 100), "compas": (compas, 100), "breast_cancer": (breast_cancer, 100),
    "heloc": (heloc, 70),
}  # fmt: skip
"""Tables whose figures are reported, with the rows that the model is asked about."""

TUNED = {
    "bank": (bank, 80), "california": (california, 80), "boston": (boston, 80), "wine": (wine, 80),
}  # fmt: skip
"""Tables on which the constants of the prior were chosen; their figures are not reported."""
