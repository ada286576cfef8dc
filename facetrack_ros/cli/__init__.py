"""The ``facetrack`` command, a file a subcommand."""
