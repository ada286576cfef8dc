"""Face and body embedders, one file a model family, and what they share: alignment to inputs, regions, projections."""
