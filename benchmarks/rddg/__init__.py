"""What RDDG is measured by: relations, calibration, and models trained on its rows."""
