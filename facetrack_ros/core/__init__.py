"""Values and arithmetic that every layer shares.

Values: ``Frame``, ``Detections``, ``Face``, ``Track``, ``PersonEvent``, ``RobotPose``. Arithmetic on boxes, unit
vectors, images and camera geometry. Checks of values from outside. Files of lines, and JPEG data read without decoding.
"""
