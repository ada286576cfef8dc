"""Analyses stored frames again that gave no face."""
