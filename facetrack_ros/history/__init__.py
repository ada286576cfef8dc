"""A robot's history: frames, sightings, events and merged persons, in memory and on disk.

``robot_history.RobotHistory`` is the whole of one robot's history; ``layout`` finds the histories below a data folder.
"""

from facetrack_ros.security import storage_key as storage_key  # it finds the keys of encrypted folders
