"""When each camera was analysed: the basis for telling "not seen" from "not analysed"."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.response import ANSWERED, SearchResponse

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


def coverage_of_response(response: SearchResponse, roster: Iterable[CameraCoverage]) -> list[CameraCoverage]:
    """The coverage that each robot reported in its response; for the others, that of the roster.

    :param roster: coverage from heartbeats, one span per camera without its gaps.
    """
    reported = {robot.robot_id: robot.coverage for robot in response.robots if robot.status == ANSWERED}
    cameras = {(camera.robot_id, camera.camera_id): camera for camera in roster}
    for robot, spans in reported.items():
        for camera_id, _, _ in spans:
            cameras.setdefault((robot, camera_id), CameraCoverage(robot, camera_id))
    return [
        replace(camera, spans=tuple((start, end) for name, start, end in reported[robot] if name == camera_id))
        if robot in reported
        else camera
        for (robot, camera_id), camera in sorted(cameras.items())
    ]
