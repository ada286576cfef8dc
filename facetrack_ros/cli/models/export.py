"""``facetrack models export``: exports torch's ResNet-50 as an ONNX model, which runs without torch."""

import argparse
from pathlib import Path

from facetrack_ros.errors import ModelError
from facetrack_ros.models.paths import cache_folder, model_folders
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.projection import Projection, fit_pca, seeded_projection
from facetrack_ros.vision.embedding.reduced_face import reduced_contract
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder
from facetrack_ros.vision.export.calibration_faces import extract_face_crops, face_pipeline, find_pictures
from facetrack_ros.vision.export.publish import publish_model, staged_model
from facetrack_ros.vision.export.resnet50 import export_resnet50, onnx_contract, pca_contract
from facetrack_ros.vision.settings import VisionSettings

#: Most pictures to fit principal components on.
MOST_PICTURES = 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add = parser.add_argument
    add("id", metavar="ID", help="the model, resnet50_imagenet")
    add(
        "--dimension",
        type=int,
        default=0,
        metavar="N",
        help="numbers of an embedding; fewer by a fixed seeded projection, or by --pca (default: all 2048)",
    )
    add(
        "--pca",
        type=Path,
        metavar="DIR",
        help="pictures, at any depth of a folder, from whose faces the principal components are fitted",
    )
    add("--weights", type=Path, metavar="FILE", help="a state dict of your own instead of the pinned one")
    add("--out", type=Path, metavar="FOLDER", help="folder of the model (default: the user's model cache)")


def run(arguments: argparse.Namespace) -> int:
    """Export, check, and print how to use the model."""
    if arguments.pca and not arguments.dimension:
        raise ModelError("--pca needs --dimension N, the number of components")
    model = resolve(f"{arguments.id}={arguments.weights}" if arguments.weights else arguments.id)
    contract = model.contract
    if model.path is None or (contract.task, contract.architecture) != ("embedding", "resnet50"):
        raise ModelError(
            f"{contract.id} is no ResNet-50 on torch, the only model that can be exported; name resnet50_imagenet"
        )
    embedder = Resnet50FaceEmbedder(model.path, contract, device="cpu")
    projection = None
    if arguments.dimension:
        contract, projection = _reduced(embedder, arguments.dimension, arguments.pca)
    contract = onnx_contract(contract)
    folder = arguments.out or cache_folder()
    with staged_model(folder, contract.id) as made:
        cosine = export_resnet50(embedder, projection, contract, made)
        contract, path = publish_model(made, contract, folder)
    print(f"{contract.id}: {path} ({contract.size / 1e6:.1f} MB, {contract.dimension} numbers)")
    print(f"cosine to torch at least {cosine:.6f}")
    if folder not in model_folders():
        print(f"it is found once {folder} is in FACETRACK_MODELS")
    print(
        f"to use it: embedder.model: {contract.id}. It compares appearance, not identity: see "
        f"embedder.appearance_as_identity"
    )
    return 0


def _reduced(embedder: Resnet50FaceEmbedder, dimension: int, folder: Path | None):
    if folder is None:
        contract = reduced_contract(embedder.contract, dimension)
        same = contract is embedder.contract
        return contract, None if same else seeded_projection(embedder.contract.dimension, dimension)
    projection = _fitted(embedder, dimension, folder)
    return pca_contract(embedder.contract, projection), projection


def _fitted(embedder: Resnet50FaceEmbedder, dimension: int, folder: Path) -> Projection:
    pictures = find_pictures(folder, MOST_PICTURES)
    crops = extract_face_crops(face_pipeline(embedder, VisionSettings()), embedder.input, pictures)
    if not len(crops):
        raise ModelError(
            f"none of the {len(pictures)} pictures in {folder} has a usable face; give pictures of faces at "
            f"least {embedder.min_face_px:.0f} px wide"
        )
    projection = fit_pca(embedder.embed_crops(list(crops.crops)), dimension)
    print(f"{dimension} principal components of {len(crops)} faces in {len(pictures)} pictures")
    return projection
