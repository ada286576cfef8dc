"""Images to persons, faces and embeddings: ``VisionPipeline`` and ``FrameAnalyzer``, built by ``factory``."""
