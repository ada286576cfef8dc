"""``facetrack storage``: the key of stored files, and what is done with it. :mod:`.folders` finds what it concerns."""
