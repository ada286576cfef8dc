"""Threads and processes that run models: Worker, ``CameraScheduler``, ``WorkerPool``, ``ordered_map``, ``ErrorLog``.

``SenderLimits``: rates a sender.
"""
