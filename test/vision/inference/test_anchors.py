"""Boxes are decoded from the cells of three strides."""

import numpy as np

from facetrack_ros.vision.inference.anchors import anchor_grid, decode


def test_rows_are_decoded_by_cell_and_stride():
    grid, stride = anchor_grid((416, 416))
    assert len(grid) == 3549
    rows = np.zeros((3549, 85), np.float32)
    rows[53] = 0.5  # second row, second column of stride 8
    rows[53, 2:4] = np.log(2.0)
    assert decode(rows, grid, stride)[53].tolist() == [4, 4, 20, 20]
