"""Files on disk: :mod:`.overwriting`, deletion that leaves no bytes."""
