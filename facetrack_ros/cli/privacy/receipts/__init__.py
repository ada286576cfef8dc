"""Actions of ``facetrack receipts``."""
