"""RDDG: rare classes, with relations that are checked and feedback that is a calibration."""
