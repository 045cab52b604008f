"""Draw a pool of rows from a deep peer in its own environment; imports nothing of ours.

    PEER_PYTHON peer_pools.py {CTGAN,TVAE} TRAIN.parquet EPOCHS SEED N OUT.parquet

Prints one line of JSON: seconds of fitting and of drawing 12,000 rows. Torch gets one thread.
"""

import json
import sys
import time
import warnings


def main():
    """Fit, sample, time, write."""
    name, train, epochs, seed, n, out = sys.argv[1:]
    warnings.simplefilter("ignore")
    import ctgan
    import numpy as np
    import pandas as pd
    import torch

    torch.set_num_threads(1)
    frame = pd.read_parquet(train)
    listed = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    frame = frame.astype(dict.fromkeys(listed, object))
    np.random.seed(int(seed))  # noqa: NPY002 - the peer draws from the global state
    torch.manual_seed(int(seed))
    result = getattr(ctgan, name)(epochs=int(epochs), enable_gpu=False)
    start = time.process_time()
    result.fit(frame, listed)
    seconds = {"fit": time.process_time() - start}
    start = time.process_time()
    result.sample(12_000)
    seconds["sample"] = time.process_time() - start
    result.sample(int(n)).to_parquet(out, index=False)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
