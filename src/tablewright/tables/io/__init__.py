"""Files and frames of any kind, in and out."""
