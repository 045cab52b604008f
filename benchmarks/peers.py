"""Run one peer in its own environment; imports nothing of ours.

    PEER_PYTHON peers.py NAME TRAIN.parquet TARGET N OUT.parquet

Prints one line of JSON: seconds of CPU, or why the peer did not run.
"""

import contextlib
import json
import os
import sys
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
    """Make adversarial random forests (arfpy) with default settings; no column may be a `min`."""
    import numpy as np
    from arfpy import arf as arfpy

    np.random.seed(SEED)  # noqa: NPY002 - the peer draws from the global state
    names, made = [f"column {at}" for at in range(frame.shape[1])], []

    def fit():
        model = arfpy.arf(x=frame.set_axis(names, axis=1), random_state=SEED, verbose=False)
        model.forde()
        made.append(model)

    return fit, lambda n: made[0].forge(n=n)[names].set_axis(frame.columns, axis=1)


def argn(frame, target):
    """Make mostlyai-engine's autoregressive network with default settings, a minute at most."""
    sys.modules["torchvision"] = None  # PyPI's is built for another torch, and is not needed
    from mostlyai.engine import TabularARGN

    model = TabularARGN(max_training_time=60, device="cpu", random_state=SEED, verbose=0)
    return (lambda: model.fit(frame)), lambda n: model.sample(n)[list(frame.columns)]


def ctgan(frame, target, kind="CTGAN"):
    """Make CTGAN or TVAE with default settings: 300 epochs."""
    import ctgan
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    model = getattr(ctgan, kind)(enable_gpu=False)
    model.set_random_state(SEED)
    listed = [name for name in frame if frame[name].dtype == object]
    filled = frame.fillna(dict.fromkeys(listed, ""))
    return (lambda: model.fit(filled, listed)), model.sample


def tvae(frame, target):
    """Make TVAE with default settings; it comes with CTGAN."""
    return ctgan(frame, target, "TVAE")


def great(frame, target):
    """Make be_great; it fine-tunes `distilgpt2`, which it downloads."""
    from be_great import GReaT

    model = GReaT("distilgpt2", epochs=50, batch_size=32, use_cpu=True, seed=SEED)
    return (lambda: model.fit(frame)), lambda n: model.sample(n, device="cpu")


def realtab(frame, target):
    """Make REaLTabFormer; its network is trained from nothing."""
    from realtabformer import REaLTabFormer

    model = REaLTabFormer("tabular", random_state=SEED, use_cpu=True, report_to=[])
    return (lambda: model.fit(frame, device="cpu", target_col=target)), lambda n: model.sample(
        n, device="cpu"
    )


PEERS = {
    "CTGAN": ctgan,
    "REaLTabFormer": realtab,
    "TVAE": tvae,
    "arf": arf,
    "be_great": great,
    "mostlyai-engine": argn,
    "SDV GaussianCopula": sdv_copula,
    "python-synthpop": synthpop,
    "imbalanced-learn SMOTENC": smotenc,
}


def seconds_of_cpu():
    """Return those of this process and of what it started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main():
    """Fit, sample, time, write."""
    with contextlib.redirect_stdout(sys.stderr):  # peers print
        answer = run()
    print(json.dumps(answer))


def run():
    """Return seconds, or what is missing."""
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
        return {"missing": str(error)}
    start = seconds_of_cpu()
    fit()
    seconds = {"fit": seconds_of_cpu() - start}
    for n in map(int, counts.split(",")):
        start = seconds_of_cpu()
        result = sample(n)
        seconds[str(n)] = seconds_of_cpu() - start
        if str(n) == counts.split(",")[0]:
            result.to_parquet(out, index=False)
    return seconds


if __name__ == "__main__":
    main()
