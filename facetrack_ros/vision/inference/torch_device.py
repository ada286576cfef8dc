"""The device that torch models run on."""

import re

from facetrack_ros.errors import ModelError

AUTO = "auto"


def torch_device(wanted: str = AUTO) -> str:
    """Torch's name of a device: ``cpu`` or ``cuda:N``.

    :param wanted: ``auto`` (the first CUDA device, else the processor), ``cpu``, ``cuda`` or ``cuda:N``.
    :raises ModelError: torch is not installed, another name, or no such device.
    """
    known = re.fullmatch(r"auto|cpu|cuda(?::(\d{1,3}))?", wanted)
    if known is None:
        raise ModelError(f"face_tracking.device must be auto, cpu, cuda or cuda:N, not {wanted!r}")
    if wanted == "cpu":
        return wanted
    try:
        import torch
    except ImportError as error:
        raise ModelError("torch models need torch: pip install facetrack_ros[torch]") from error
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == AUTO:
        return "cuda:0" if count else "cpu"
    number = int(known.group(1) or 0)
    if number >= count:
        raise ModelError(
            f"face_tracking.device is {wanted}, but torch sees {count or 'no'} CUDA devices here; use auto or cpu"
        )
    return f"cuda:{number}"
