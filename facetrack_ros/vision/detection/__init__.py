"""Person detectors, one file a model family, and detectors that combine them with faces or add low-score edge boxes."""
