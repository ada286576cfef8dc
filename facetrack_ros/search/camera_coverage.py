"""When each camera was analysed: the basis for telling "not seen" from "not analysed"."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.response import SearchResponse

# Every response carries its spans, 28 bytes each.
MOST_SPANS = 50


@dataclass(frozen=True)
class CameraCoverage:
    """One camera of one robot, and when it was analysed.

    :param spans: ``(start_ns, end_ns)``, ascending; empty: unknown.
    """

    robot_id: str
    camera_id: str
    spans: tuple[tuple[int, int], ...] = ()


def coverage_within(
    store: SightingStore, start_ns: int, end_ns: int, cameras: tuple[str, ...] = (), most: int = MOST_SPANS
) -> tuple[tuple[str, int, int], ...]:
    """Camera, first and last stamp of each analysed span of a store, cut to a time range.

    :param cameras: only these; empty: all.
    :param most: of more spans, those with the shortest gaps between them are joined.
    :raises StoreError: the store cannot be read.
    """
    spans = [
        (camera, max(start, start_ns), min(end, end_ns))
        for camera in store.cameras()
        if not cameras or camera in cameras
        for start, end in store.coverage(camera)
        if start <= end_ns and end >= start_ns
    ]
    if len(spans) <= most:
        return tuple(spans)
    gaps = sorted(after[1] - before[2] for before, after in itertools.pairwise(spans) if before[0] == after[0])
    shortest = gaps[min(len(spans) - most, len(gaps)) - 1] if gaps else -1
    joined: list[tuple[str, int, int]] = []
    for camera, start, end in spans:
        if joined and joined[-1][0] == camera and start - joined[-1][2] <= shortest:
            joined[-1] = (camera, joined[-1][1], end)
        else:
            joined.append((camera, start, end))
    return tuple(joined)


def coverage_of_response(response: SearchResponse, roster: Iterable[CameraCoverage] = ()) -> list[CameraCoverage]:
    """The cameras that each robot searched with the coverage that it reported; for the others, that of the roster.

    :param roster: coverage from heartbeats, one span per camera without its gaps.
    """
    cameras = {(camera.robot_id, camera.camera_id): camera for camera in roster}
    for robot in response.robots:
        if not robot.answered:
            continue
        spans: dict[str, list[tuple[int, int]]] = {camera.camera_id: [] for camera in robot.searched}
        for camera_id, start_ns, end_ns in robot.coverage:
            spans.setdefault(camera_id, []).append((start_ns, end_ns))
        for key in [key for key in cameras if key[0] == robot.robot_id and key[1] not in spans]:
            cameras[key] = replace(cameras[key], spans=())
        for camera_id, found in spans.items():
            cameras[robot.robot_id, camera_id] = CameraCoverage(robot.robot_id, camera_id, tuple(sorted(found)))
    return [camera for _, camera in sorted(cameras.items())]
