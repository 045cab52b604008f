"""CLLM: one prompt, and curation by learning dynamics."""
