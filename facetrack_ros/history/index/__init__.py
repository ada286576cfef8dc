"""Exact vector search over embeddings, in memory and in block files.

``vector_index.VectorIndex`` searches; ``block.VectorBlock`` holds up to 65,536 rows; ``block_file.BlockFile`` and
``block_folder.BlockFolder`` store full blocks on disk.
"""
