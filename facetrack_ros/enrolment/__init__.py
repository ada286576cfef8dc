"""Gallery entries from pictures."""
