"""Team-then-Trim: a team writes components of columns, three stages trim."""
