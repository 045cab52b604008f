"""DATE: partitions, selectors and pools, measured."""
