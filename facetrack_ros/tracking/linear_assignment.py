"""Linear assignment: pairs of rows and columns with the highest sum of scores."""

import numpy as np


def best_pairs(scores: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows and columns with the highest sum of scores, each used once at most.

    Uses the Hungarian method with potentials (Kuhn, 1955). A good pair is not given up to make two poor ones.

    :param scores: ``(n, m)``, above zero; ``-inf`` for a forbidden pair.
    """
    pairs = []
    for rows, columns in _components(np.isfinite(scores)):
        if len(rows) == 1:
            pairs.append((rows[0], columns[int(scores[rows[0], columns].argmax())]))
        elif len(columns) == 1:
            pairs.append((rows[int(scores[rows, columns[0]].argmax())], columns[0]))
        else:
            pairs += [(rows[row], columns[column]) for row, column in _hungarian(scores[np.ix_(rows, columns)])]
    return pairs


def _components(allowed: np.ndarray) -> list[tuple[list[int], list[int]]]:
    """Connected components of the allowed pairs: solved apart, because the time grows with the cube of the size."""
    columns_of, rows_of = (
        [[index for index, allowed_pair in enumerate(line) if allowed_pair] for line in lines.tolist()]
        for lines in (allowed, allowed.T)
    )
    components = []
    seen: set[int] = set()
    for first, columns in enumerate(columns_of):
        if first in seen or not columns:
            continue
        seen.add(first)
        rows, found, queue = [], set(), [first]
        while queue:
            row = queue.pop()
            rows.append(row)
            for column in columns_of[row]:
                if column not in found:
                    found.add(column)
                    queue += [other for other in rows_of[column] if other not in seen]
                    seen.update(rows_of[column])
        components.append((sorted(rows), sorted(found)))
    return components


def _hungarian(scores: np.ndarray) -> list[tuple[int, int]]:
    if scores.shape[0] > scores.shape[1]:
        return [(row, column) for column, row in _hungarian(scores.T)]
    allowed = np.isfinite(scores)
    # A forbidden pair costs as much as no pair.
    cost = np.where(allowed, -scores, 0.0)
    return [(row, column) for row, column in _solve(cost) if allowed[row, column]]


def _solve(cost: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of the lowest total cost, one for each row; no more rows than columns."""
    rows, columns = cost.shape
    row_potential, column_potential = np.zeros(rows), np.zeros(columns + 1)
    # Column ``columns`` is a start outside the matrix.
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
            reduced = cost[current] - row_potential[current] - column_potential[:columns]
            better = ~visited[:columns] & (reduced < least)
            least[better], came_from[better] = reduced[better], column
            nearest = int(np.where(visited[:columns], np.inf, least).argmin())
            step = least[nearest]
            row_potential[row_of[visited]] += step
            column_potential[visited] -= step
            least[~visited[:columns]] -= step
            column = nearest
        while column != columns:
            row_of[column] = row_of[came_from[column]]
            column = int(came_from[column])
        row_of[columns] = -1
    return [(int(row), column) for column, row in enumerate(row_of[:columns]) if row >= 0]
