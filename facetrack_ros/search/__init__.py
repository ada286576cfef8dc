"""Search for a face: ``SearchRequest``, ``search_history`` on one robot, ``ResponseCollector`` for the fleet, ``SearchResponse``."""
