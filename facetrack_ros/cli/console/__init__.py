"""What the command shows on a terminal while it works."""
