"""Who may say who somebody is."""

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract


def require_identity_model(contract: ModelContract, appearance_as_identity: bool) -> None:
    """Whether an embedder may say who somebody is.

    :raises ModelError: it may not; with what to do.
    """
    if contract.purpose == "appearance" and not appearance_as_identity:
        raise ModelError(
            f"{contract.id} tells what somebody looks like, not who it is, so it cannot judge faces; choose "
            f"another embedder.model, or set embedder.appearance_as_identity if you know what that means"
        )
    if contract.threshold <= 0:
        raise ModelError(
            f"{contract.id} has no threshold from which on two faces are one person; measure it with "
            f"facetrack eval faces DIR --write, DIR a folder a person"
        )
