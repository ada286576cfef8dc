"""A camera's line in the timeline."""

from dataclasses import dataclass

from facetrack_ros.history.sightings import SightingStore


@dataclass(frozen=True)
class Lane:
    """One camera of one robot, and when it was looking.

    :param spans: ``(start_ns, end_ns)`` in order of time; empty when unknown.
    """

    robot_id: str
    camera_id: str
    spans: "tuple[tuple[int, int], ...]" = ()


def lanes_of(store: SightingStore) -> "list[Lane]":
    """The lanes of all cameras in a store.

    :raises StoreError: the store cannot be read.
    """
    return [Lane(store.robot_id, camera, store.kept_spans(camera)) for camera in store.cameras()]
