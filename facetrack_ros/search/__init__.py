"""Search for a face: ``SearchRequest``, ``search_history`` (one robot), ``ResponseCollector``, ``SearchResponse``."""
