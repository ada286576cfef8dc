"""``python -m facetrack_ros`` is the ``facetrack`` command."""

from facetrack_ros.cli.main import main

if __name__ == "__main__":
    main()
