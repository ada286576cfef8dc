"""Event log: :class:`.log.EventLog` writes it, :func:`.format.read_events` reads it."""
