"""Benchmarks: one module, one command, one table each; `README.md` lists them."""
