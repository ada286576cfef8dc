"""Devices, addresses, videos, picture folders, bags as sources of frames: ``open_source``, ``stamped_frames``."""
