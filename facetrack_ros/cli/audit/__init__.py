"""``facetrack audit`` and ``facetrack verify``: audit logs of stored histories, and what people say of matches."""
