"""Where a robot was lately, by time."""

import threading
from bisect import bisect_left, insort
from dataclasses import replace

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import StoreError

_KEPT = 4096
# A stamp this far behind the newest is of a clock that was set back, or of a recording played again.
_BACK_NS = 10_000_000_000


class PoseHistory:
    """The last poses of a robot, in whatever order they come.

    May be used from several threads.

    :param max_age_ns: a pose farther than this from the asked time says nothing about it.
    """

    def __init__(self, max_age_ns: int) -> None:
        self._max_age_ns = max_age_ns
        self._poses: list[RobotPose] = []
        self._lock = threading.Lock()

    def add(self, pose: RobotPose) -> None:
        """Take in a pose.

        :raises StoreError: it has a number that is none, or an orientation of length zero.
        """
        length = float(np.linalg.norm(pose.orientation))
        if not np.isfinite([*pose.position, length]).all() or length < 1e-6:
            raise StoreError(
                f"a pose in {pose.frame_id or 'no frame'} has position {pose.position} and orientation "
                f"{pose.orientation}; it is left out"
            )
        pose = replace(pose, orientation=tuple(value / length for value in pose.orientation))
        with self._lock:
            if self._poses and pose.stamp_ns < self._poses[-1].stamp_ns - _BACK_NS:
                self._poses.clear()
            insort(self._poses, pose, key=_stamp)
            if len(self._poses) > _KEPT:
                del self._poses[: _KEPT // 8]

    def at(self, stamp_ns: int) -> RobotPose | None:
        """Where the robot was: between the poses before and after, where both are near in time; else the nearer one."""
        with self._lock:
            after = bisect_left(self._poses, stamp_ns, key=_stamp)
            near = [
                pose
                for pose in self._poses[max(after - 1, 0) : after + 1]
                if abs(pose.stamp_ns - stamp_ns) <= self._max_age_ns
            ]
        if len(near) == 2 and near[0].frame_id == near[1].frame_id:
            return _between(*near, stamp_ns)
        return min(near, key=lambda pose: abs(pose.stamp_ns - stamp_ns), default=None)


def _stamp(pose: RobotPose) -> int:
    return pose.stamp_ns


def _between(before: RobotPose, after: RobotPose, stamp_ns: int) -> RobotPose:
    span = after.stamp_ns - before.stamp_ns
    part = (stamp_ns - before.stamp_ns) / span if span else 0.0
    position = (1 - part) * np.array(before.position) + part * np.array(after.position)
    first, second = np.array(before.orientation), np.array(after.orientation)
    # q and -q are one rotation: the shorter way. Over so short a time a straight line is as good as the arc.
    turned = (1 - part) * first + part * (second if first @ second >= 0 else -second)
    return RobotPose(
        before.frame_id, stamp_ns, tuple(position.tolist()), tuple((turned / np.linalg.norm(turned)).tolist())
    )
