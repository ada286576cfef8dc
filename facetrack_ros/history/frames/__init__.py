"""Frames in memory (``FrameRing``) and on disk: ``FrameArchive``, ``FrameReader``, ``FrameRecorder``, Limits."""
