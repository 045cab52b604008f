"""A language model behind one method: client, limits, retries, budget, ledger."""
