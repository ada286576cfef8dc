"""Unit vectors."""

import numpy as np
import pytest

from facetrack_ros.core.vectors import unit_vector
from facetrack_ros.errors import StoreError


@pytest.mark.parametrize(
    ("embedding", "reason"),
    [
        (np.ones(3), "shape"),
        (np.array([np.nan, 1]), "nan"),
        (np.zeros(2), "length 0"),
        (np.ones(2), "length 1.41"),
        (np.ones((1, 2)), "shape"),
        (np.array([np.inf, 0]), "inf"),
    ],
)
def test_what_is_no_unit_vector_is_refused(embedding, reason):
    with pytest.raises(StoreError, match=reason):
        unit_vector(embedding, 2)
