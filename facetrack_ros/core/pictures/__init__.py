"""Encoded pictures: ``decode_picture`` within ``PictureLimits``, by ``read_header``; FFmpeg with limits."""
