"""Analysis of stored frames after the fact: ``rescan`` for faces that were missed, ``reindex`` with another model."""
