"""ResNet-50 as an ONNX graph, so that a robot runs it without torch."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError, first_line
from facetrack_ros.models.contract import ModelContract, derived_contract
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.projection import Projection
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder
from facetrack_ros.vision.export.quiet import quiet

#: Lowest cosine between torch's and the graph's embedding of one crop.
MIN_COSINE = 0.9999
OPSET = 17


def pca_contract(contract: ModelContract, projection: Projection) -> ModelContract:
    """The contract of embeddings reduced to principal components.

    Components fitted from other pictures give other embeddings, so the id contains a hash of them.
    """
    digest = hashlib.sha256(projection.components.tobytes() + projection.mean.tobytes()).hexdigest()[:8]
    note = f"{contract.id} reduced to {projection.dimension} principal components"
    model_id = f"{contract.id}_pca{projection.dimension}-{digest}"
    return derived_contract(contract, model_id, projection.dimension, note)


def onnx_contract(contract: ModelContract) -> ModelContract:
    """The contract of a network's ONNX graph, without file, sha256 and size."""
    data = contract.measured_on and f"{contract.measured_on}; taken over from {contract.id}, the same network"
    return replace(contract, id=f"{contract.id}_onnx", architecture="onnx", derived_from=contract.id, measured_on=data)


def export_resnet50(
    embedder: Resnet50FaceEmbedder, projection: Projection | None, contract: ModelContract, path: Path
) -> float:
    """Write the network, and the projection behind it, as a graph with an open batch, and compare the two.

    :param embedder: on the CPU.
    :param projection: None: the network's own 2048 dimensions.
    :param contract: of the graph.
    :return: the lowest cosine between torch and the graph over seeded crops.
    :raises ModelError: the package onnx is missing, the export fails, or the two differ.
    """
    import torch

    graph = _with_projection(embedder.network, projection).eval()
    width, height = contract.input_size
    try:
        with quiet():  # torch warns that this is its older exporter; it needs no package but onnx
            torch.onnx.export(
                graph,
                (torch.zeros(2, 3, height, width),),
                str(path),
                input_names=["faces"],
                output_names=["embeddings"],
                dynamic_axes={"faces": {0: "batch"}, "embeddings": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # torch raises classes of its own, and a missing onnx as one of them
        cause = first_line(error)
        if "onnx" in cause and ("No module" in cause or "not installed" in cause):
            raise ModelError("the export needs the package onnx: pip install facetrack_ros[quantize]") from error
        raise ModelError(f"torch cannot export {contract.derived_from} to ONNX: {cause}") from error
    crops = np.random.default_rng(0).integers(0, 256, (5, height, width, 3), np.uint8)
    wanted = embedder.embed_crops(crops)
    if projection is not None:
        wanted = projection(wanted)
    exported = OnnxFaceEmbedder(path, contract)
    batch, single = exported.embed_crops(crops), exported.embed_crops(crops[:1])
    cosine = min(np.sum(wanted * batch, axis=1).min(), np.sum(wanted[:1] * single))
    if not cosine >= MIN_COSINE:
        raise ModelError(
            f"the graph of {contract.derived_from} differs from torch: cosine {cosine:.5f}, needed is "
            f"{MIN_COSINE}; it is not kept"
        )
    return float(cosine)


def _with_projection(network, projection: Projection | None):
    """The network with the projection behind it, on unit rows as :class:`~.projection.Projection` does it."""
    import torch

    if projection is None:
        return network
    mean, components = projection.mean, projection.components.T.copy()

    class Reduced(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network
            self.register_buffer("mean", torch.from_numpy(mean))
            self.register_buffer("components", torch.from_numpy(components))

        def forward(self, faces):
            rows = self.network(faces)
            return (rows / rows.norm(dim=1, keepdim=True) - self.mean) @ self.components

    return Reduced()
