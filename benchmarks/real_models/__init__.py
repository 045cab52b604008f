"""What a small model on this machine writes for each system, and what it is worth."""
