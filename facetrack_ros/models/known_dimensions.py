"""Dimension of the embeddings of each model that is known here."""

from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract


class KnownDimensions:
    """Dimensions by model id; the model folders are read at the first question.

    :param contract: of a model that the catalog may lack.
    """

    def __init__(self, contract: ModelContract | None = None):
        self._own = contract
        self._known: dict[str, int] | None = None

    def of(self, model_id: str) -> int | None:
        """The dimension of a model; None where the model is not known here."""
        if self._known is None:
            known = (*catalog.records()[0], *((self._own,) if self._own else ()))
            self._known = {contract.id: contract.dimension for contract in known}
        return self._known.get(model_id)
