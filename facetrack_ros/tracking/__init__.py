"""Boxes over time to tracks, identities and events."""
