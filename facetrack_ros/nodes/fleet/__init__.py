"""What crosses the mesh.

Searches: ``SearchClient``, ``SearchServer``. People: ``PeopleListener``, ``PeopleSync``, ``PeopleDirectory``.
Frames: ``FrameServices``.
"""
