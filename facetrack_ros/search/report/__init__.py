"""How an answer is shown: table, JSON, timeline, evidence pictures."""
