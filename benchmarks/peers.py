"""Run one peer in its own environment; imports nothing of ours.

    PEER_PYTHON peers.py NAME TRAIN.parquet TARGET N OUT.parquet

Prints one line of JSON: seconds of CPU, or why the peer did not run.
"""

import json
import sys
import time
import warnings

SEED = 0


def sdv_copula(frame, target):
    """Make SDV's GaussianCopulaSynthesizer with default settings."""
    import torch
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    torch.manual_seed(SEED)
    result = GaussianCopulaSynthesizer(
        Metadata.detect_from_dataframes({"table": frame}, infer_keys=None)
    )

    def sample(n):
        rows = result.sample(n)
        return rows["table"] if isinstance(rows, dict) else rows

    return (lambda: result.fit({"table": frame})), sample


def synthpop(frame, target):
    """Make python-synthpop's CART method with default settings; it wants codes for categories."""
    import numpy as np
    from synthpop import CARTMethod

    np.random.seed(SEED)  # noqa: NPY002 - the peer draws from the global state
    listed = {name: frame[name].unique() for name in frame if frame[name].dtype == object}
    codes = frame.assign(
        **{name: frame[name].map({v: i for i, v in enumerate(listed[name])}) for name in listed}
    )
    kinds = {name: "categorical" if name in listed else "numerical" for name in frame}
    result = CARTMethod(kinds, random_state=SEED)

    def sample(n):
        rows = result.sample(n)
        words = {name: listed[name][rows[name].astype(int)] for name in listed}
        return rows.assign(**words)[list(frame.columns)].infer_objects()

    return (lambda: result.fit(codes)), sample


def smotenc(frame, target):
    """Make imbalanced-learn's SMOTENC; its work is all in sampling."""
    from imblearn.over_sampling import SMOTE, SMOTENC

    inputs, outcome = frame.drop(columns=target), frame[target]
    listed = [name for name in inputs if inputs[name].dtype == object]

    def sample(n):
        counts = outcome.value_counts()
        requested = (counts + (counts / len(outcome) * n).round().astype(int)).to_dict()
        common = {"sampling_strategy": requested, "random_state": SEED}
        sampler = SMOTENC(listed, **common) if listed else SMOTE(**common)
        x, y = sampler.fit_resample(inputs, outcome)
        result = x.assign(**{target: y}).iloc[len(frame) :]
        return result[list(frame.columns)]

    return (lambda: None), sample


def arf(frame, target):
    """Make adversarial random forests (arfpy) with default settings."""
    import numpy as np
    from arfpy import arf as arfpy

    np.random.seed(SEED)  # noqa: NPY002 - the peer draws from the global state
    made = []

    def fit():
        model = arfpy.arf(x=frame, random_state=SEED, verbose=False)
        model.forde()
        made.append(model)

    return fit, lambda n: made[0].forge(n=n)[list(frame.columns)]


PEERS = {
    "arf": arf,
    "SDV GaussianCopula": sdv_copula,
    "python-synthpop": synthpop,
    "imbalanced-learn SMOTENC": smotenc,
}


def main():
    """Fit, sample, time, write."""
    name, train, target, counts, out = sys.argv[1:]
    warnings.simplefilter("ignore")
    try:
        import pandas as pd

        frame = pd.read_parquet(train)
        frame = frame.astype(
            {c: object for c in frame if not pd.api.types.is_numeric_dtype(frame[c])}
        )
        fit, sample = PEERS[name](frame, target)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    start = time.process_time()
    fit()
    seconds = {"fit": time.process_time() - start}
    for n in map(int, counts.split(",")):
        start = time.process_time()
        result = sample(n)
        seconds[str(n)] = time.process_time() - start
        if str(n) == counts.split(",")[0]:
            result.to_parquet(out, index=False)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
