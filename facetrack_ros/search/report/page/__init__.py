"""A search response as one HTML page that needs no other file: ``answer_page()`` writes it."""
