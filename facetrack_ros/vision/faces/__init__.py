"""Faces: ``YunetFaceDetector``, ``DlibFaceDetector``, ``align``, ``QualityGate``, ``match_faces_to_persons``."""
