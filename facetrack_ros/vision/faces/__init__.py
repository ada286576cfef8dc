"""Face detectors, alignment, quality, and matching faces to persons."""
