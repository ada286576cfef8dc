"""Subscriptions to images, poses and battery state."""
