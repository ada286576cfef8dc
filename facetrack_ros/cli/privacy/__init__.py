"""Commands on the rights of people: :mod:`.forget`, :mod:`.receipts`, :mod:`.subject_access`."""
