"""SQLite store of one robot's sightings, searched through a vector index.

``store.SightingStore`` writes and searches, ``queries.SightingQueries`` is its reading side, ``sighting.Sighting`` is
what it stores; ``recovery`` saves what a damaged store still holds.
"""
