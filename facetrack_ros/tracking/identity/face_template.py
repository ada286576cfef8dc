"""Template of a person's face: the best embeddings, unlike each other."""

from collections.abc import Sequence

import numpy as np

from facetrack_ros.core.vectors import mean_by_quality


class FaceTemplate:
    """Embeddings of one face with their qualities.

    Of two near duplicates the better one is kept, so that the template covers different poses.

    :param size: maximum number of embeddings.
    :param near_duplicate: cosine similarity from which two embeddings are near duplicates.
    :ivar frames: number of embeddings offered to it, kept or not.
    """

    def __init__(self, size: int = 30, near_duplicate: float = 0.9):
        self._size = size
        self._near_duplicate = near_duplicate
        self._embeddings = np.empty((0, 0), np.float32)
        self._qualities = np.empty(0, np.float32)
        self._mean: np.ndarray | None = None
        self.frames = 0

    @classmethod
    def joined(cls, templates: Sequence["FaceTemplate"]) -> "FaceTemplate":
        """A template of all embeddings of several, none of them empty; the only one itself."""
        if len(templates) == 1:
            return templates[0]
        joined = cls()
        embeddings, qualities = [each.embeddings for each in templates], [each.qualities for each in templates]
        joined._replace(np.concatenate(embeddings), np.concatenate(qualities))
        joined.frames = sum(each.frames for each in templates)
        return joined

    def __len__(self) -> int:
        return len(self._qualities)

    @property
    def embeddings(self) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows, read-only."""
        return self._embeddings

    @property
    def qualities(self) -> np.ndarray:
        """``(n,)`` float32 in 0..1, read-only."""
        return self._qualities

    @property
    def mean(self) -> np.ndarray | None:
        """Quality-weighted mean, a ``(dimension,)`` float32 unit vector; None while empty."""
        if self._mean is None and len(self):
            self._mean = mean_by_quality(self._embeddings, self._qualities)
        return self._mean

    def add(self, embedding: np.ndarray, quality: float) -> bool:
        """Add a ``(dimension,)`` unit vector, unless better ones fill the template; return whether it was added.

        :param quality: 0..1.
        """
        embedding = np.asarray(embedding, np.float32)
        self.frames += 1
        if not len(self):
            self._replace(embedding[None], np.array([quality], np.float32))
            return True
        similarity = self._embeddings.dot(embedding)
        nearest = int(similarity.argmax())
        if similarity[nearest] >= self._near_duplicate:
            row = nearest
        elif len(self) >= self._size:
            row = int(self._qualities.argmin())
        else:
            self._replace(np.vstack([self._embeddings, embedding]), np.append(self._qualities, np.float32(quality)))
            return True
        if not quality > self._qualities[row]:
            return False
        embeddings, qualities = self._embeddings.copy(), self._qualities.copy()
        embeddings[row], qualities[row] = embedding, quality
        self._replace(embeddings, qualities)
        return True

    def _replace(self, embeddings: np.ndarray, qualities: np.ndarray) -> None:
        # Arrays are replaced, never changed, so that one returned before stays as it was.
        self._embeddings, self._qualities, self._mean = embeddings, qualities.astype(np.float32), None

    def best_pair(self, other: "FaceTemplate") -> float:
        """The highest cosine similarity between an embedding of each."""
        return float((self._embeddings @ other._embeddings.T).max())

    def similarity(self, other: "FaceTemplate") -> float:
        """Similarity of two faces, -1..1; -1 where either has no embedding.

        The lower of the best pair and the similarity of the means. The best of many pairs alone grows with their number
        until strangers match; the means alone may match where no single pair does.
        """
        if not len(self) or not len(other):
            return -1.0
        return min(self.best_pair(other), self.mean_similarity(other))

    def mean_similarity(self, other: "FaceTemplate") -> float:
        """Cosine similarity of the means, -1..1; -1 where either has no embedding."""
        mean, other_mean = self.mean, other.mean
        return -1.0 if mean is None or other_mean is None else float(mean @ other_mean)
