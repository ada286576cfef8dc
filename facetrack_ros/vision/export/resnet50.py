"""ResNet-50 as an ONNX graph, so that a robot runs it without torch."""

import hashlib
import logging
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.projection import Projection
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder

#: Lowest cosine between what torch and the graph give for one crop.
LEAST_COSINE = 0.9999
OPSET = 17


def pca_contract(contract: ModelContract, projection: Projection) -> ModelContract:
    """What the vectors of ``contract`` mean after principal components: other pictures give another embedding, so the id
    carries a hash of them."""
    digest = hashlib.sha256(projection.components.tobytes() + projection.mean.tobytes()).hexdigest()[:8]
    return replace(
        contract,
        id=f"{contract.id}_pca{projection.dimension}-{digest}",
        dimension=projection.dimension,
        derived_from=contract.id,
        threshold=0.0,
        false_match_curve=(),
        measured_on="",
        note="; ".join(
            part
            for part in (f"{contract.id} reduced to {projection.dimension} principal components", contract.note)
            if part
        ),
    )


def onnx_contract(contract: ModelContract) -> ModelContract:
    """The record of the graph of a network, but for file, sha256 and size."""
    taken_over = contract.measured_on and f"{contract.measured_on}; taken over from {contract.id}, the same network"
    return replace(
        contract, id=f"{contract.id}_onnx", architecture="onnx", derived_from=contract.id, measured_on=taken_over
    )


def export_resnet50(
    embedder: Resnet50FaceEmbedder, projection: Projection | None, contract: ModelContract, path: Path
) -> float:
    """Write the network, and the projection after it, as a graph with an open batch, and compare the two.

    :param embedder: on the CPU.
    :param projection: None: all 2048 numbers.
    :param contract: of the graph.
    :return: the lowest cosine between torch and the graph over seeded crops.
    :raises ModelError: the package onnx is missing, the export fails, or the two differ.
    """
    import torch

    graph = _reduced(embedder.network, projection).eval()
    width, height = contract.input_size
    try:
        with _quiet():
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
        told = (str(error).splitlines() or [type(error).__name__])[0]
        missing = "onnx" in told and ("No module" in told or "not installed" in told)
        raise ModelError(
            "the export needs the package onnx: pip install facetrack_ros[quantize]"
            if missing
            else f"torch cannot export {contract.derived_from} to ONNX: {told}"
        ) from error
    crops = np.random.default_rng(0).integers(0, 256, (5, height, width, 3), np.uint8)
    wanted = embedder.embed_crops(crops)
    if projection is not None:
        wanted = projection(wanted)
    made = OnnxFaceEmbedder(path, contract)
    cosines = [np.sum(wanted * made.embed_crops(crops), axis=1).min(), np.sum(wanted[:1] * made.embed_crops(crops[:1]))]
    if not min(cosines) >= LEAST_COSINE:
        raise ModelError(
            f"the graph of {contract.derived_from} differs from torch: cosine {min(cosines):.5f}, needed is "
            f"{LEAST_COSINE}; it is not kept"
        )
    return float(min(cosines))


def _reduced(network, projection: Projection | None):
    """The network with the projection behind it, as :class:`~.projection.Projection` does it on unit rows."""
    import torch

    if projection is None:
        return network

    class Reduced(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network
            self.register_buffer("mean", torch.from_numpy(projection.mean))
            self.register_buffer("components", torch.from_numpy(projection.components.T.copy()))

        def forward(self, faces):
            rows = self.network(faces)
            return (rows / rows.norm(dim=1, keepdim=True) - self.mean) @ self.components

    return Reduced()


@contextmanager
def _quiet():
    """torch warns that this exporter is the older one; it is the one that needs nothing but the package onnx."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
