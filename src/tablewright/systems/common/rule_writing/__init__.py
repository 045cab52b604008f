"""Rules of a table written by a language model, or mined."""
