"""Rows of a table as text: formats, the parser of replies, requests."""
