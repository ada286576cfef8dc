"""Threads and processes that run models: Worker, ``CameraScheduler``, ``WorkerPool``, ``ordered_map``, ``ErrorLog``; and
rates a sender: ``SenderLimits``."""
