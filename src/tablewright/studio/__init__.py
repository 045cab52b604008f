"""A page on this machine for one table, from its profile to the report on what was written."""
