"""Exact vector index over embeddings."""
