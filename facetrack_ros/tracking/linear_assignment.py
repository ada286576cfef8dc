"""Which rows go with which columns, so that the whole is best."""

import numpy as np


def best_pairs(scores: np.ndarray) -> list[tuple[int, int]]:
    """The pairs with the highest sum of scores (Kuhn's Hungarian method, with potentials).

    Each row and each column is in one pair at most. A good pair is not given up to make two poor ones.

    :param scores: ``(n, m)``, above zero; ``-inf`` where a pair must not be.
    """
    pairs = []
    for rows, columns in _groups(np.isfinite(scores)):
        if len(rows) == 1:
            pairs.append((rows[0], columns[int(scores[rows[0], columns].argmax())]))
        elif len(columns) == 1:
            pairs.append((rows[int(scores[rows, columns[0]].argmax())], columns[0]))
        else:
            pairs += [(rows[row], columns[column]) for row, column in _best(scores[np.ix_(rows, columns)])]
    return pairs


def _groups(allowed: np.ndarray) -> list[tuple[list[int], list[int]]]:
    """Rows and columns that may be paired with each other, apart from all others: people who stand apart in the picture
    are many small questions, and the price of one grows with its cube."""
    columns_of, rows_of = (
        [[place for place, may_be in enumerate(line) if may_be] for line in lines.tolist()]
        for lines in (allowed, allowed.T)
    )
    groups, seen = [], set()
    for first, columns in enumerate(columns_of):
        if first in seen or not columns:
            continue
        seen.add(first)
        rows, found, todo = [], set(), [first]
        while todo:
            row = todo.pop()
            rows.append(row)
            for column in columns_of[row]:
                if column not in found:
                    found.add(column)
                    todo += [other for other in rows_of[column] if other not in seen]
                    seen.update(rows_of[column])
        groups.append((sorted(rows), sorted(found)))
    return groups


def _best(scores: np.ndarray) -> list[tuple[int, int]]:
    if scores.shape[0] > scores.shape[1]:
        return [(row, column) for column, row in _best(scores.T)]
    allowed = np.isfinite(scores)
    # A pair that must not be is worth no pair at all.
    cost = np.where(allowed, -scores, 0.0)
    return [(row, column) for row, column in _solve(cost) if allowed[row, column]]


def _solve(cost: np.ndarray) -> list[tuple[int, int]]:
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
