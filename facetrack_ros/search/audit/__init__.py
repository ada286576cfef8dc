"""What the audit log records of searches, and what people said of matches in answers."""
