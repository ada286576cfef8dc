"""Persons as markers: a body at the position, name and distance, and an ellipsoid of the uncertainty."""

import zlib
from functools import partial

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from numpy.typing import ArrayLike
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from facetrack_ros.clips.overlay import colour_of
from facetrack_ros.core.camera_geometry import PersonPosition

BODY_WIDTH_M, TEXT_M = 0.5, 0.2
#: Half axes in standard deviations: 95 % along each axis.
SIGMAS = 2.0
#: Lifetime of a marker that is not renewed.
STAYS = Duration(sec=1, nanosec=500_000_000)
FOREVER = Duration()
UNTURNED = Quaternion(w=1.0)
#: A quarter turn about x: a marker's cylinder is along z, and the optical frame's y points down.
UPRIGHT = Quaternion(x=float(np.sqrt(0.5)), w=float(np.sqrt(0.5)))


def number_of(name: str) -> int:
    """A marker's id, a hash of its name."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def body_markers(
    header: Header,
    camera_id: str,
    name: str,
    colour_name: str,
    text: str,
    position: PersonPosition,
    height_m: float,
    seen: bool,
) -> list[Marker]:
    """The three markers of one person.

    :param header: its frame is the camera's optical one.
    :param name: identifies the person among those of the camera.
    :param seen: False: the person is out of view, and shown at the last position.
    """
    add = partial(_marker, header, name)
    turn, axes = ellipsoid(position.covariance)
    white = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0 if seen else 0.5)
    colour, pale = _colour(colour_name, 0.8 if seen else 0.3), _colour(colour_name, 0.15)
    size, above = (BODY_WIDTH_M, BODY_WIDTH_M, height_m), position.mean - (0, height_m / 2 + TEXT_M, 0)
    return [
        add(f"{camera_id}/people", Marker.CYLINDER, position.mean, size, colour, turn=UPRIGHT),
        add(f"{camera_id}/names", Marker.TEXT_VIEW_FACING, above, (0, 0, TEXT_M), white, text=text),
        add(f"{camera_id}/uncertainty", Marker.SPHERE, position.mean, 2 * SIGMAS * axes, pale, turn=turn),
    ]


def match_markers(
    header: Header, camera_id: str, name: str, colour_name: str, text: str, position: PersonPosition
) -> list[Marker]:
    """Markers of a search's match at the person's position then, which stay until the next search."""
    add = partial(_marker, header, name, stays=FOREVER)
    colour, yellow = _colour(colour_name, 1.0), ColorRGBA(r=1.0, g=1.0, b=0.4, a=1.0)
    above = position.mean - (0, 0.3, 0)
    return [
        add(f"{camera_id}/search", Marker.SPHERE, position.mean, (0.3, 0.3, 0.3), colour),
        add(f"{camera_id}/search_text", Marker.TEXT_VIEW_FACING, above, (0, 0, TEXT_M), yellow, text=text),
    ]


def gone(marker: Marker) -> Marker:
    """The message that deletes a marker."""
    return Marker(header=marker.header, ns=marker.ns, id=marker.id, action=Marker.DELETE)


def ellipsoid(covariance: np.ndarray) -> tuple[Quaternion, np.ndarray]:
    """Orientation and half axes ``(3,)`` in metres of one standard deviation of a ``(3, 3)`` covariance."""
    squares, axes = np.linalg.eigh(covariance)
    if np.linalg.det(axes) < 0:
        axes[:, 0] = -axes[:, 0]  # a reflection is no rotation
    return quaternion(axes), np.sqrt(np.maximum(squares, 1e-8))


def quaternion(rotation: np.ndarray) -> Quaternion:
    """A ``(3, 3)`` rotation as a quaternion, by its largest component for stability (Shepperd, 1978)."""
    trace = np.trace(rotation)
    parts = np.array([trace, *np.diag(rotation)])
    i = int(parts.argmax())
    if i == 0:
        w = np.sqrt(1 + trace) / 2
        x, y, z = ((rotation[b, a] - rotation[a, b]) / (4 * w) for a, b in ((1, 2), (2, 0), (0, 1)))
    else:
        a, b, c = (i - 1, i % 3, (i + 1) % 3)
        value = np.zeros(3)
        value[a] = np.sqrt(max(0.0, 1 + 2 * rotation[a, a] - trace)) / 2
        value[b] = (rotation[a, b] + rotation[b, a]) / (4 * value[a])
        value[c] = (rotation[a, c] + rotation[c, a]) / (4 * value[a])
        w = (rotation[c, b] - rotation[b, c]) / (4 * value[a])
        x, y, z = value
    return Quaternion(x=float(x), y=float(y), z=float(z), w=float(w))


def _marker(
    header: Header,
    name: str,
    namespace: str,
    kind: int,
    place: np.ndarray,
    size: ArrayLike,
    colour: ColorRGBA,
    turn: Quaternion = UNTURNED,
    text: str = "",
    stays: Duration = STAYS,
) -> Marker:
    x, y, z = (float(value) for value in place)
    width, depth, height = (float(value) for value in np.asarray(size))
    return Marker(
        header=header,
        ns=namespace,
        id=number_of(name),
        type=kind,
        action=Marker.ADD,
        text=text,
        lifetime=stays,
        pose=Pose(position=Point(x=x, y=y, z=z), orientation=turn),
        scale=Vector3(x=width, y=depth, z=height),
        color=colour,
    )


def _colour(name: str, opacity: float) -> ColorRGBA:
    blue, green, red = colour_of(name)
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=opacity)
