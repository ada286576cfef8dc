"""Diagnostics and health of stages."""
