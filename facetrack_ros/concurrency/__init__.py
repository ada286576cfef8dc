"""Worker threads, the per-camera scheduler and the process pool, used live and offline."""
