"""Commands on the rights of people: :mod:`.forget`, :mod:`.receipts`."""
