"""Model files: which exist, where they come from, what their numbers mean. No inference.

``ModelContract`` is a model's record, ``catalog`` lists those of this package, ``resolve`` finds a model's file.
"""
