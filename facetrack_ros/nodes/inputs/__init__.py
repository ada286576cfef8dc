"""Subscriptions to images, poses and battery state: ImageInput, PoseInput, BatteryInput, ImageBuffer."""
