"""Cells of the output maps of YOLOX and YuNet, and boxes decoded from them."""

import numpy as np

#: Input pixels per cell of the output maps, along one side.
STRIDES = (8, 16, 32)


def anchor_grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cell corners ``(n, 2)`` in cells and strides ``(n, 1)`` in pixels, in the order of the network's rows.

    :param size: ``(width, height)`` of the input, pixels.
    """
    cells, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((columns * rows, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(rows: np.ndarray, cells: np.ndarray, strides: np.ndarray) -> np.ndarray:
    """Boxes ``(n, 4)`` in input pixels from rows ``(n, 4 or more)``, their cells ``(n, 2)`` and strides ``(n, 1)``."""
    centre = (rows[:, :2] + cells) * strides
    half = np.exp(np.minimum(rows[:, 2:4], 10.0)) * strides / 2  # e^10 cells are beyond any box and do not overflow
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
