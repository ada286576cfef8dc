"""Requests to the fleet that change something: ``RequestLog`` keeps them; what they do is in ``people_changes``."""
