"""Threads and processes that run models, live and offline: Worker, CameraScheduler, WorkerPool, ordered_map, ErrorLog."""
