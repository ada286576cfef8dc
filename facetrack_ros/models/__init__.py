"""Which model files exist, where they come from and what their numbers mean; no inference."""
