"""``facetrack enroll``: enrols people by name, from pictures."""

import argparse
import array
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from facetrack_ros.cli.exit_codes import DONE, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.cli.persons import report_not_listed
from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError, RequestError
from facetrack_ros.history.layout import RobotFolder, history_folders, robot_folder

if TYPE_CHECKING:
    from facetrack_ros.enrolment.entries import EnrolmentPicture
    from facetrack_ros.tracking.identity.gallery import GalleryEntry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="name of the person")
    add("pictures", nargs="*", metavar="PICTURE", help="pictures of the person")
    add("--watch", action="store_true", help="robots warn when they see this person")
    add(
        "--face",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="which of several faces in a picture, from the left, from 1 on; once for each picture, 0: the widest",
    )
    add(
        "--force", action="store_true", help="enrol although the faces look like different people, or like someone else"
    )
    add("--list", action="store_true", help="list the enrolled people instead")
    add("--remove", metavar="NAME_OR_ID", help="delete a person's entries, or one entry, everywhere, instead")
    add(
        "--robot",
        metavar="NAME",
        help="robot that gets the pictures, embeds them and informs all others; default: they are embedded here",
    )
    add_mesh_argument(parser)
    add("--data", metavar="DIR", help="stored histories instead of the mesh; with --robot only that one's")
    add("--config", metavar="FILE", help="settings, a YAML file: the models")


def run(arguments: argparse.Namespace) -> int:
    """Enrol, list or remove."""
    from facetrack_ros.search.numbered_faces import numbered_faces
    from facetrack_ros.search.reference_image import read_picture

    actions = (bool(arguments.name), arguments.list, bool(arguments.remove))
    if sum(actions) != 1 or bool(arguments.name) != bool(arguments.pictures):
        raise RequestError("say NAME and at least one PICTURE, or --list, or --remove NAME")
    if not arguments.name:
        return _manage_stored(arguments) if arguments.data else _manage_live(arguments)
    if len(arguments.face) not in (0, len(arguments.pictures)) or min(arguments.face, default=0) < 0:
        raise RequestError(
            f"give --face once for each of the {len(arguments.pictures)} pictures, from 1 on, or 0 for the widest"
        )
    pictures = [(Path(path).name, read_picture(path)) for path in arguments.pictures]
    enrol = _enrol_stored if arguments.data else _enrol_by_robot if arguments.robot else _enrol_here
    with numbered_faces(pictures):
        entry_ids, notes, without = enrol(arguments, pictures)
    print(f"{arguments.name} is enrolled: {', '.join(entry_ids)}")
    for note in notes:
        print(f"note: {note}")
    for robot, why in without.items():
        print(f"not yet on {robot}: {why}", file=sys.stderr)
    return PARTIAL if without else DONE


#: Ids of the entries, notes, and robots that do not hold the entries with the reason.
_Enrolled = tuple[list[str], list[str], dict[str, str]]


def _enrol_here(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Enrol on every running robot; the pictures stay here."""
    from facetrack_ros.client.mesh_enrolment import MeshEnrolment
    from facetrack_ros.client.people_client import PeopleClient

    config = Config.load(arguments.config)
    with PeopleClient(mesh_prefix(arguments), config) as client:
        chosen = _chosen(arguments, pictures)
        done, without = MeshEnrolment(client, config).enrol(arguments.name, chosen, arguments.watch, arguments.force)
        return done.entry_ids, list(done.notes), without


def _chosen(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> "list[EnrolmentPicture]":
    from facetrack_ros.enrolment.entries import EnrolmentPicture

    faces = arguments.face or [0] * len(pictures)
    return [EnrolmentPicture(name, data, face) for (name, data), face in zip(pictures, faces)]


def _enrol_by_robot(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Have a robot embed the pictures and enrol on every running robot."""
    from sensor_msgs.msg import CompressedImage

    from facetrack_ros import srv
    from facetrack_ros.client.fleet_client import FleetClient

    request = srv.EnrollFace.Request(
        name=arguments.name,
        sources=[name for name, _ in pictures],
        watch=arguments.watch,
        images=[CompressedImage(format="jpeg", data=array.array("B", data)) for _, data in pictures],
        faces=arguments.face,
        force=arguments.force,
    )
    with FleetClient(arguments.robot, mesh_prefix(arguments)) as client:
        response = client.call(srv.EnrollFace, "enroll_face", request, 30.0)
        if not response.success:
            raise RequestError(f"{client.robot}: {response.message}")
        return list(response.entry_ids), [note for note in response.message.split("; ") if note], {}


def _enrol_stored(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Enrol in the stored histories."""
    from facetrack_ros.enrolment.entries import build_gallery, enrol
    from facetrack_ros.history.people.gallery_store import GalleryStore
    from facetrack_ros.history.stored_ids import open_ids
    from facetrack_ros.tracking.settings import TrackingSettings
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    folders = _folders(arguments)
    pipeline = build_pipeline(vision_settings(Config.load(arguments.config)))
    first = folders[0]
    ids = open_ids(first.path / "gallery_ids.json", first.robot_id)

    def new_id() -> str:
        return f"g_{first.robot_id}_{ids.next('entry')}"

    stores = [GalleryStore(folder.path) for folder in folders]
    enrolled = {entry.entry_id: entry for store in stores for entry in store.read()}
    gallery = build_gallery(enrolled.values(), pipeline.contract, TrackingSettings().margin)
    origin = (arguments.watch, first.robot_id, time.time_ns())
    done = enrol(arguments.name, _chosen(arguments, pictures), pipeline, gallery, new_id, *origin, arguments.force)
    for store in stores:
        for entry in (*done.entries, *done.known):  # another robot's folder may lack a known one
            store.add(entry)
        for entry_id in done.outdated:
            store.delete(entry_id)
    return done.entry_ids, list(done.notes), {}


def _manage_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.history.people.gallery_store import GalleryStore

    stores = [GalleryStore(folder.path) for folder in _folders(arguments)]
    entries = {entry.entry_id: entry for store in stores for entry in store.read()}
    if arguments.list:
        return _print_entries(entries.values())
    ids = _ids_to_delete(entries.values(), arguments.remove)
    for entry_id in ids:
        for store in stores:
            store.delete(entry_id)
    print(f"deleted: {', '.join(ids)}")
    return 0


def _manage_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient(mesh_prefix(arguments)) as client:
        people = client.people()
        if arguments.list:
            return report_not_listed(people.not_listed, _print_entries(people.gallery.values()))
        ids = _ids_to_delete(people.gallery.values(), arguments.remove)
        without = client.delete_entries(ids)
    if all(robot.robot_id in without for robot in people.robots):
        raise RequestError(f"no robot has deleted it: {'; '.join(f'{robot}: {why}' for robot, why in without.items())}")
    print(f"deleted: {', '.join(ids)}")
    for robot, why in without.items():
        print(f"not yet on {robot}: {why}", file=sys.stderr)
    return PARTIAL if without else DONE


def _print_entries(entries: "Collection[GalleryEntry]") -> int:
    for entry in sorted(entries, key=lambda entry: (entry.name, entry.entry_id)):
        print(
            f"{entry.name:<20} {entry.entry_id:<16} quality {entry.quality:.2f}  {entry.model_id}  {entry.source}"
            f"{'  watched for' if entry.watch else ''}"
        )
    if not entries:
        print("no person is enrolled")
    return 0 if entries else 1


def _ids_to_delete(entries: "Collection[GalleryEntry]", name: str) -> list[str]:
    ids = sorted(entry.entry_id for entry in entries if entry.is_called(name))
    if not ids:
        raise RequestError(f"no person is enrolled as {name}; see `facetrack enroll --list`")
    return ids


def _folders(arguments: argparse.Namespace) -> list[RobotFolder]:
    """The readable robot folders, or the one of ``--robot``, which is made where it is missing."""
    if arguments.robot:
        robot_folder(arguments.data, arguments.robot)
    folders = [
        folder
        for folder in history_folders(arguments.data)
        if not folder.error and arguments.robot in (None, folder.robot_id)
    ]
    if not folders:
        raise ConfigError(f"there is no robot's history below {arguments.data}; name the robot it is for: --robot NAME")
    return folders
