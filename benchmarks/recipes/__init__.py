"""From public originals to the files that benchmarks read, step by step, with checksums."""
