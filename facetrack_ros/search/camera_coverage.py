"""A camera's line in the timeline."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.response import ANSWERED, SearchResponse

# They go with every answer: 28 bytes each.
MOST_SPANS = 50


@dataclass(frozen=True)
class CameraCoverage:
    """One camera of one robot, and when it was looking.

    :param spans: ``(start_ns, end_ns)`` in order of time; empty when unknown.
    """

    robot_id: str
    camera_id: str
    spans: tuple[tuple[int, int], ...] = ()


def coverage_of(store: SightingStore) -> list[CameraCoverage]:
    """The lanes of all cameras in a store.

    :raises StoreError: the store cannot be read.
    """
    return [CameraCoverage(store.robot_id, camera, store.coverage(camera)) for camera in store.cameras()]


def coverage_within(
    store: SightingStore, start_ns: int, end_ns: int, cameras: tuple[str, ...] = (), most: int = MOST_SPANS
) -> tuple[tuple[str, int, int], ...]:
    """Camera, first and last stamp of each time in which a camera was looking, within a slice.

    :param cameras: only these; empty: all.
    :param most: where there are more, the shortest gaps are left out.
    :raises StoreError: the store cannot be read.
    """
    spans = [
        (camera, max(start, start_ns), min(end, end_ns))
        for camera in store.cameras()
        if not cameras or camera in cameras
        for start, end in store.coverage(camera)
        if start <= end_ns and end >= start_ns
    ]
    if len(spans) > most:
        gaps = sorted(after[1] - before[2] for before, after in itertools.pairwise(spans) if before[0] == after[0])
        shortest = gaps[min(len(spans) - most, len(gaps)) - 1] if gaps else -1
        joined: list[tuple[str, int, int]] = []
        for camera, start, end in spans:
            if joined and joined[-1][0] == camera and start - joined[-1][2] <= shortest:
                joined[-1] = (camera, joined[-1][1], end)
            else:
                joined.append((camera, start, end))
        spans = joined
    return tuple(spans)


def coverage_of_response(answer: SearchResponse, heard: Iterable[CameraCoverage]) -> list[CameraCoverage]:
    """The lanes of an answer: robots that answered said when their cameras were looking.

    :param heard: the lanes that the roster tells of, which knows no gaps.
    """
    said = {robot.robot_id: robot.coverage for robot in answer.robots if robot.status == ANSWERED}
    lanes = {(lane.robot_id, lane.camera_id): lane for lane in heard}
    for robot, looking in said.items():
        for camera in {camera for camera, _, _ in looking}:
            lanes.setdefault((robot, camera), CameraCoverage(robot, camera))
    return [
        replace(
            lane, spans=tuple((start, end) for camera, start, end in said[lane.robot_id] if camera == lane.camera_id)
        )
        if lane.robot_id in said
        else lane
        for _, lane in sorted(lanes.items())
    ]
