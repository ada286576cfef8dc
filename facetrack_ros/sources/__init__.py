"""Devices, addresses, video files, picture folders and bags as sources of frames: open_source, stamped_frames."""
