"""What was seen, kept: the ring of frames, the sightings, the event log."""
