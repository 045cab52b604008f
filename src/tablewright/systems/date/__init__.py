"""DATE: readable parts of a table, rows for each part, and a bandit that chooses among them."""
