"""The index returns exactly what comparing row by row returns."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.history.index import block
from facetrack_ros.history.index.faiss_scan import QuantizedQuery, QuantizedScan, faiss_available
from facetrack_ros.history.index.quantized_rows import QuantizedRows
from facetrack_ros.history.index.vector_index import VectorIndex

CAMERAS = ("front", "rear", "left")


def random_unit(rng, count, dimension):
    vectors = rng.standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(0, 600),
    pieces=st.integers(1, 5),
    start=st.integers(0, 100),
    length=st.integers(0, 100),
    threshold=st.floats(-1, 0.8),
    cameras=st.sets(st.sampled_from((*CAMERAS, "none"))),
)
def test_search_equals_comparing_row_by_row(seed, count, pieces, start, length, threshold, cameras):
    rng = np.random.default_rng(seed)
    vectors, query = random_unit(rng, count, 8), random_unit(rng, 1, 8)[0]
    first = rng.integers(0, 100, count)
    last = first + rng.integers(0, 20, count)
    camera = [CAMERAS[i] for i in rng.integers(0, 3, count)]
    track = [("", "t1", "t2", "t3")[i] for i in rng.integers(0, 4, count)]
    index = VectorIndex(8)
    for part in np.array_split(np.arange(count), pieces):
        index.extend(
            list(part + 1), [camera[i] for i in part], [track[i] for i in part], first[part], last[part], vectors[part]
        )

    inside = [
        i
        for i in range(count)
        if first[i] <= start + length and last[i] >= start and (not cameras or camera[i] in cameras)
    ]
    similarity = {i: float(np.dot(vectors[i], query)) for i in inside}
    sure = {i for i in inside if similarity[i] >= threshold + 1e-5}
    possible = {i for i in inside if similarity[i] >= threshold - 1e-5}

    hits = index.search(query, start, start + length, tuple(cameras), threshold)
    assert hits.compared == len(inside)
    assert sure <= set(hits.rows.tolist()) <= possible
    np.testing.assert_allclose(hits.similarity, [similarity[row] for row in hits.rows.tolist()], atol=1e-5)
    assert (np.diff(hits.similarity) <= 0).all()

    best, from_ns, to_ns = index.fold_tracks(hits)
    groups = {}
    for position, row in enumerate(hits.rows.tolist()):
        groups.setdefault(track[row] or row, []).append(position)
    folded = sorted(groups.values(), key=lambda positions: positions[0])
    assert best.tolist() == [positions[0] for positions in folded]
    assert from_ns.tolist() == [min(first[hits.rows[p]] for p in positions) for positions in folded]
    assert to_ns.tolist() == [max(last[hits.rows[p]] for p in positions) for positions in folded]


needs_codes = pytest.mark.skipif(not faiss_available(), reason="needs faiss-cpu")


@needs_codes
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(2500, 12_000),
    slack=st.integers(0, 5000),
    start=st.integers(0, 12_000),
    length=st.integers(0, 12_000),
    threshold=st.sampled_from((-1.0, 0.0, 0.3, 0.6)),
    limit=st.sampled_from((1, 20, 700, None)),
    cameras=st.sets(st.sampled_from(CAMERAS)),
    alike=st.booleans(),
)
def test_quantised_rows_change_no_result(seed, count, slack, start, length, threshold, limit, cameras, alike):
    rng = np.random.default_rng(seed)
    vectors, query = random_unit(rng, count, 16), random_unit(rng, 1, 16)[0]
    if alike:  # a crowd of near-equal faces, which codes alone cannot tell apart
        vectors = vectors * np.float32(0.01) + query
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = np.arange(count) + rng.integers(0, slack + 1, count)
    camera = [CAMERAS[i] for i in rng.integers(0, 3, count)]
    plain, coded = VectorIndex(16, quantized=False), VectorIndex(16, quantized=True, block_rows=3000)
    for index in (plain, coded):
        for part in np.array_split(np.arange(count), 7):
            index.extend(
                list(part), [camera[i] for i in part], [""] * len(part), first[part], first[part], vectors[part]
            )
        for row in (3, 1000, count - 1):
            index.replace(row, query)
        index.extend_span(5, start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "FEW_NUMBERS", 0)  # the codes are to be used
        one, other = (
            index.search(query, start, start + length, tuple(cameras), threshold, limit) for index in (plain, coded)
        )
    assert one.compared == other.compared
    assert abs(len(one.rows) - len(other.rows)) <= (limit is None) * 5
    shared = min(len(one.rows), len(other.rows))
    np.testing.assert_allclose(one.similarity[:shared], other.similarity[:shared], atol=1e-5)
    if limit is None and not alike:
        assert len(set(one.rows.tolist()) ^ set(other.rows.tolist())) <= 5  # those within rounding of the threshold


@needs_codes
def test_numbers_beyond_the_scale_are_found(monkeypatch):
    monkeypatch.setattr(block, "FEW_NUMBERS", 0)
    rng = np.random.default_rng(0)
    index = VectorIndex(64, quantized=True, block_rows=8192)
    index.extend(list(range(4096)), ["front"] * 4096, [""] * 4096, [0] * 4096, [0] * 4096, random_unit(rng, 4096, 64))
    spikes = np.eye(64, dtype=np.float32)  # far beyond the scale of the others
    index.extend(list(range(4096, 4160)), ["front"] * 64, [""] * 64, [0] * 64, [0] * 64, spikes)
    index.extend(
        list(range(4160, 8192)), ["front"] * 4032, [""] * 4032, [0] * 4032, [0] * 4032, random_unit(rng, 4032, 64)
    )
    for i in range(64):
        assert index.search(spikes[i], 0, 0, (), 0.9, 3).rows.tolist() == [4096 + i]


def test_a_row_can_be_extended_and_replaced():
    index = VectorIndex(2)
    index.extend([5], ["front"], ["t"], [100], [100], np.array([[1, 0]], np.float32))
    index.extend_span(0, 90)
    index.extend_span(0, 120)
    index.replace(0, np.array([0, 1], np.float32))
    assert index.span(0) == (90, 120)
    assert index.search(np.array([0, 1], np.float32), 120, 130, (), 0.9).rows.tolist() == [0]


@needs_codes
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), dimension=st.sampled_from((4, 16, 17, 128, 512)))
def test_a_similarity_from_codes_is_within_its_error_bound(seed, dimension):
    rng = np.random.default_rng(seed)
    vectors, query = random_unit(rng, 300, dimension), random_unit(rng, 1, dimension)[0]
    codes = QuantizedRows.growing(vectors[:200], 300)
    codes.add(vectors[200:])
    codes.replace(7, query)
    vectors[7] = query
    scan = QuantizedScan(QuantizedQuery(query))
    rows, similarity = codes.nearest(scan, 300, slice(0, 300))
    off = codes.error_bound(scan)
    assert sorted(rows.tolist()) == list(range(300))
    assert np.abs(similarity - vectors[rows] @ query).max() <= off < 0.2
    mask = np.arange(300) % 3 == 0
    assert set(codes.nearest(scan, 300, slice(0, 300), mask=mask)[0].tolist()) == set(np.flatnonzero(mask).tolist())
    assert set(codes.nearest(scan, 300, slice(100, 150))[0].tolist()) == set(range(100, 150))
    bound = float(np.median(similarity))
    above = codes.nearest(scan, 300, slice(0, 300), bound)[0]
    assert set(np.flatnonzero(vectors @ query >= bound).tolist()) <= set(above.tolist())
    assert codes.nearest(scan, 1, slice(0, 300))[0].tolist() == [rows[similarity.argmax()]]
    assert QuantizedRows.complete(vectors).error_bound(scan) <= off


PROGRAM = """
import numpy as np
from facetrack_ros.history.index import block
from facetrack_ros.history.index.vector_index import VectorIndex
block.FEW_NUMBERS = 0
rng = np.random.default_rng(5)
vectors = rng.standard_normal((9000, 128)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
index = VectorIndex(128, quantized=True, block_rows=4096)
index.extend(range(9000), ["front"] * 9000, [""] * 9000, range(9000), range(9000), vectors)
for query in vectors[::1000]:
    found = index.search(query, 500, 8500, (), -1.0, 20).rows.tolist()
    similarity = vectors[500:8501] @ query
    assert set(found) == set((np.argsort(-similarity)[:20] + 500).tolist())
"""


@needs_codes
@pytest.mark.parametrize("level", ["NONE", "AVX2"])
def test_results_are_exact_on_every_instruction_set(level):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FAISS_SIMD_LEVEL": level},
    )
    assert done.returncode == 0, done.stderr
