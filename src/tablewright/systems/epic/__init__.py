"""EPIC: class-balanced groups of rows that a language model goes on with."""
