"""What a language model knows of labels, and how much of it survives contact with real rows."""
