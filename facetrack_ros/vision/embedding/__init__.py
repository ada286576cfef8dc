"""Face and body embedders, one file a model family."""
