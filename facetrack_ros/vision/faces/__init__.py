"""Face detectors (YuNet, CenterFace, dlib), ``align``, ``QualityGate``, ``match_faces_to_persons``."""
