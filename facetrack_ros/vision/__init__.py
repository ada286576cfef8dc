"""Pictures to persons, faces and embeddings: frames, detectors, the quality gate, embedders, model contracts."""
