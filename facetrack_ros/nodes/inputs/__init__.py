"""Subscriptions to images, poses, battery state: ``ImageInput``, ``PoseInput``, ``BatteryInput``, ``ImageBuffer``."""
