"""Which rows go with which columns, so that the whole is best."""

import numpy as np


def best_pairs(scores: np.ndarray) -> "list[tuple[int, int]]":
    """The pairs with the highest sum of scores (Kuhn's Hungarian method, with potentials).

    Each row and each column is in one pair at most. A good pair is not given up to make two poor ones.

    :param scores: ``(n, m)``, above zero; ``-inf`` where a pair must not be.
    """
    if not scores.size:
        return []
    if scores.shape[0] > scores.shape[1]:
        return [(row, column) for column, row in best_pairs(scores.T)]
    allowed = np.isfinite(scores)
    # A pair that must not be is worth no pair at all.
    cost = np.where(allowed, -scores, 0.0)
    return [(row, column) for row, column in _solve(cost) if allowed[row, column]]


def _solve(cost: np.ndarray) -> "list[tuple[int, int]]":
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns + 1)
    # Column ``columns`` is a place to start from, outside the matrix.
    row_of = np.full(columns + 1, -1)
    for row in range(rows):
        column = columns
        row_of[column] = row
        least = np.full(columns, np.inf)
        came_from = np.full(columns, columns)
        visited = np.zeros(columns + 1, bool)
        while row_of[column] >= 0:
            visited[column] = True
            current = row_of[column]
            reduced = cost[current] - row_price[current] - column_price[:columns]
            better = ~visited[:columns] & (reduced < least)
            least[better], came_from[better] = reduced[better], column
            open_columns = np.where(visited[:columns], np.inf, least)
            nearest = int(open_columns.argmin())
            step = open_columns[nearest]
            row_price[row_of[visited]] += step
            column_price[visited] -= step
            least[~visited[:columns]] -= step
            column = nearest
        while column != columns:
            row_of[column] = row_of[came_from[column]]
            column = int(came_from[column])
        row_of[columns] = -1
    return [(int(row), column) for column, row in enumerate(row_of[:columns]) if row >= 0]
