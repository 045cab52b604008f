"""What may enter a prompt, and how it is written there."""
