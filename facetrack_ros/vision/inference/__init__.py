"""Running networks: ONNX sessions, input preparation, torch devices, threads, memory. Nothing here is about persons.

``OnnxSession`` runs a graph, ``OnnxVectorModel`` one from images to vectors, ``Letterbox`` prepares inputs.
"""
