"""Person detectors, one file a model family, with their pre- and post-processing."""
