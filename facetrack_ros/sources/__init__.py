"""Sources of frames: open_source opens a device, address, video file, picture folder or bag; stamped_frames reads it."""
