"""The SQLite store of sightings."""
