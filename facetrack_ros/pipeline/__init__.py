"""The frame loop of a robot, live and offline: ``RobotPipeline``, its stages, and ``ingest_recordings``."""
