"""torchvision's ResNet-50 as an appearance embedder of faces, on torch."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError, first_line
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.inference.threads import limit_torch_threads
from facetrack_ros.vision.inference.torch_device import torch_device

DIMENSION = 2048
#: Most faces in one call, which bounds the memory; chosen by hand.
BATCH = 32


class Resnet50FaceEmbedder:
    """ResNet-50 (He et al., 2016) without its classifier, average-pooled; all faces of a frame in one batch.

    :param path: a state dict of ``torchvision.models.resnet50``, with or without the classifier of any size.
    :param threads: torch's threads, set for the whole process.
    :param device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
    :raises ModelError: torch is not installed, there is no such device, or the file is damaged or of another network.
    """

    #: As for other embedders of 112 px crops; not measured.
    min_face_px = 24.0

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1, device: str = "auto"):
        if contract.dimension != DIMENSION:
            raise ModelError(
                f"{contract.id} says {contract.dimension} numbers, a ResNet-50 gives {DIMENSION}; reduce them "
                f"with face_tracking.embedding_dim"
            )
        self.contract = contract
        self.input = FaceInput(contract)
        self.network = load_resnet50(path)
        self._device = torch_device(device)
        limit_torch_threads(threads)
        try:
            self.network.to(self._device)
        except RuntimeError as error:
            raise ModelError(f"{contract.id} does not go onto the device {device}: {first_line(error)}") from error

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, 2048)`` float32 unit rows.

        :raises FrameError: ``image`` is no image.
        :raises ModelError: a face that the quality gate would reject cannot be aligned, the network fails or gives a
            vector without direction.
        """
        if not faces:
            return np.empty((0, DIMENSION), np.float32)
        return self.embed_crops(self.input.crops(as_bgr(image), faces))

    def embed_crops(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """``(n, 2048)`` float32 unit rows of aligned faces, BGR crops of the contract's input size.

        :raises ModelError: the network fails or gives a vector without direction.
        """
        import torch

        rows = []
        try:
            with torch.inference_mode():
                for start in range(0, len(crops), BATCH):
                    blob = torch.from_numpy(self.input.blob(crops[start : start + BATCH]))
                    rows.append(self.network(blob.to(self._device)).cpu().numpy())
        except RuntimeError as error:  # out of memory, or the device is gone
            raise ModelError(f"{self.contract.id} failed on {len(crops)} faces: {first_line(error)}") from error
        return l2_normalized(np.concatenate(rows))


def load_resnet50(path: Path):
    """A ``torch.nn.Module`` from ``(n, 3, height, width)`` to ``(n, 2048)``, in eval mode on the CPU.

    All weights come from the file; none are initialised.

    :raises ModelError: torch is not installed, or the file is damaged or of another network.
    """
    try:
        import torch
        from torchvision.models import resnet50
    except ImportError as error:
        raise ModelError(
            "a ResNet-50 needs torch and torchvision: pip install facetrack_ros[torch], or export it once "
            "with facetrack models export and run it without them"
        ) from error
    try:
        with warnings.catch_warnings():  # of pickle protocols; the errors below are clearer
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch raise classes of their own
        raise ModelError(
            f"{path} cannot be read as weights of torch: it is damaged, of another format, or holds more than weights"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{path} is no state dict of torchvision's resnet50; save network.state_dict()")
    state = {name: value for name, value in state.items() if name not in ("fc.weight", "fc.bias")}
    with torch.device("meta"):
        network = resnet50(weights=None)
    network.fc = torch.nn.Identity()
    try:
        network.load_state_dict(state, strict=True, assign=True)
    except Exception as error:
        raise ModelError(f"{path} is another network than torchvision's resnet50: {_difference(error)}") from error
    network.float().eval()
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise ModelError(f"{path} is damaged: some of its weights are no numbers")
    return network


def _difference(error: Exception) -> str:
    """The first difference that torch names, after the title of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[1][:200] if len(lines) > 1 else first_line(error)[:200]
