"""The estimator of one generator: fit, sample, complete, impute, resample, save, load."""
