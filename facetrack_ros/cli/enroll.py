"""``facetrack enroll``: enrols people by name, from pictures."""

import argparse
import array
import json
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said, said_in_message
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.cli.persons import answer_to_dict, report_not_done, report_not_listed
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.fleet_request import list_of
from facetrack_ros.core.user import user_name
from facetrack_ros.errors import ConfigError, PartialError, RequestError
from facetrack_ros.history.audit.audit_log import ENROLMENT, REMOVAL
from facetrack_ros.history.layout import RobotFolder, history_folders, robot_folder
from facetrack_ros.history.people.gallery_store import MOST_ENTRIES
from facetrack_ros.search.fleet.fleet_answer import DONE as ANSWER_DONE
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer, RobotLine, reasons

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
    add("--json", action="store_true", help="one JSON object, with the answer of each robot")
    add("--data", metavar="DIR", help="stored histories instead of the mesh; with --robot only that one's")
    add("--config", metavar="FILE", help="settings, a YAML file: the models")
    add_operator_arguments(parser)


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
        entry_ids, notes, answer = enrol(arguments, pictures)
    if arguments.json:
        said = {"name": arguments.name, "entry_ids": entry_ids, "notes": notes}
        print(json.dumps({**said, **answer_to_dict(answer)}, ensure_ascii=False))
        return report_not_done(answer)
    if not answer.done:
        raise PartialError(f"no robot has taken over the faces of {arguments.name}: {reasons(answer.not_done)}")
    print(f"{arguments.name} is enrolled: {', '.join(entry_ids)}")
    for note in notes:
        print(f"note: {note}")
    return report_not_done(answer)


#: Ids of the entries, notes, and what the robots answered.
_Enrolled = tuple[list[str], list[str], FleetAnswer]


def _enrol_here(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Enrol on every running robot; the pictures stay here."""
    from facetrack_ros.client.mesh_enrolment import MeshEnrolment
    from facetrack_ros.client.people_client import PeopleClient

    config = Config.load(arguments.config)
    with PeopleClient(mesh_prefix(arguments), config, **said(arguments)) as client:
        chosen = _chosen(arguments, pictures)
        done, answer = MeshEnrolment(client, config).enrol(arguments.name, chosen, arguments.watch, arguments.force)
        return done.entry_ids, list(done.notes), answer


def _chosen(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> "list[EnrolmentPicture]":
    from facetrack_ros.enrolment.entries import EnrolmentPicture

    faces = arguments.face or [0] * len(pictures)
    return [EnrolmentPicture(name, data, face) for (name, data), face in zip(pictures, faces)]


def _enrol_by_robot(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Have a robot embed the pictures and enrol on every running robot."""
    from sensor_msgs.msg import CompressedImage

    from facetrack_ros import srv
    from facetrack_ros.client.people_client import PeopleClient
    from facetrack_ros.core.fleet.kinds import LIST_GALLERY
    from facetrack_ros.search.fleet.people_json import entries_from_json

    request = srv.EnrollFace.Request(
        name=arguments.name,
        sources=[name for name, _ in pictures],
        watch=arguments.watch,
        images=[CompressedImage(format="jpeg", data=array.array("B", data)) for _, data in pictures],
        faces=arguments.face,
        force=arguments.force,
        **said_in_message(arguments),
    )
    with PeopleClient(mesh_prefix(arguments), None, **said(arguments)) as client:
        response = client.fleet.call(srv.EnrollFace, "enroll_face", request, 30.0, arguments.robot)
        if not response.success:
            raise RequestError(f"{arguments.robot}: {response.message}")
        values = {"ids": list(response.entry_ids), "embeddings": True}
        found = client.requester.ask(LIST_GALLERY, values, robots=(arguments.robot,))
        entries = [entry for line in found.done for entry in entries_from_json(line.values, len(response.entry_ids))]
        answer = client.enrol(entries) if entries else found
        return list(response.entry_ids), [note for note in response.message.split("; ") if note], answer


def _enrol_stored(arguments: argparse.Namespace, pictures: list[tuple[str, bytes]]) -> _Enrolled:
    """Enrol in the stored histories."""
    from facetrack_ros.enrolment.entries import build_gallery, enrol
    from facetrack_ros.history.people.gallery_store import GalleryStore
    from facetrack_ros.history.stored_ids import open_ids
    from facetrack_ros.tracking.settings import TrackingSettings
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    folders, config = _folders(arguments), Config.load(arguments.config)
    who = said(arguments, config)
    pipeline = build_pipeline(vision_settings(config))
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
    for folder in folders:
        fields = {"name": arguments.name, "entries": list(done.entry_ids), "pictures": len(pictures), "error": ""}
        record_stored(folder, ENROLMENT, {**who, "asker": user_name("cli"), **fields})
    lines = tuple(RobotLine(folder.robot_id, ANSWER_DONE) for folder in folders)
    return done.entry_ids, list(done.notes), FleetAnswer("", lines)


def _manage_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.history.people.gallery_store import GalleryStore

    folders = _folders(arguments)
    stores = [GalleryStore(folder.path) for folder in folders]
    entries = {entry.entry_id: entry for store in stores for entry in store.read()}
    answer = FleetAnswer("", tuple(RobotLine(folder.robot_id, ANSWER_DONE) for folder in folders))
    if arguments.list:
        return _print_entries(arguments, entries.values(), ())
    who = said(arguments, Config.load(arguments.config))
    ids = sorted(entry.entry_id for entry in entries.values() if entry.is_called(arguments.remove))
    for entry_id in ids:
        for store in stores:
            store.delete(entry_id)
    for folder in folders if ids else ():
        record_stored(folder, REMOVAL, {**who, "entries": ids})
    return _print_removed(arguments, ids, answer)


def _manage_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient(mesh_prefix(arguments), None, **said(arguments)) as client:
        if arguments.list:
            people = client.gallery()
            return _print_entries(arguments, people.gallery.values(), people.not_listed)
        answer = client.remove(arguments.remove)
    return _print_removed(arguments, deleted_entries(answer), answer)


def deleted_entries(answer: FleetAnswer) -> list[str]:
    """Ids of the gallery entries that robots deleted."""
    return sorted({entry_id for line in answer.done for entry_id in list_of(line.values, "deleted", str, MOST_ENTRIES)})


def _print_removed(arguments: argparse.Namespace, ids: list[str], answer: FleetAnswer) -> int:
    """Print what was deleted, and where it was not.

    :raises RequestError: no robot holds such an entry.
    :raises PartialError: no robot has deleted one, and some did not answer.
    """
    if not ids and answer.complete:
        raise RequestError(f"no person is enrolled as {arguments.remove}; see `facetrack enroll --list`")
    if arguments.json:
        print(json.dumps({"deleted": ids, **answer_to_dict(answer)}))
    elif not ids:
        raise PartialError(f"no robot has deleted {arguments.remove}: {reasons(answer.not_done)}")
    else:
        print(f"deleted: {', '.join(ids)}")
    return report_not_done(answer)


def _print_entries(
    arguments: argparse.Namespace, entries: "Collection[GalleryEntry]", not_listed: Iterable[tuple[str, str]]
) -> int:
    not_listed = tuple(not_listed)
    listed = sorted(entries, key=lambda entry: (entry.name, entry.entry_id))
    if arguments.json:
        missing = [{"robot_id": robot, "reason": why} for robot, why in not_listed]
        said = {"entries": [_entry_to_dict(entry) for entry in listed], "complete": not missing, "not_listed": missing}
        print(json.dumps(said, ensure_ascii=False))
        return report_not_listed(not_listed, DONE if listed else NOTHING_FOUND)
    for entry in listed:
        print(
            f"{entry.name:<20} {entry.entry_id:<16} quality {entry.quality:.2f}  {entry.model_id}  {entry.source}"
            f"{'  watched for' if entry.watch else ''}"
        )
    if not listed:
        print("no person is enrolled")
    return report_not_listed(not_listed, DONE if listed else NOTHING_FOUND)


def _entry_to_dict(entry: "GalleryEntry") -> dict:
    names = ("name", "entry_id", "model_id", "quality", "watch", "source", "by")
    return {name: getattr(entry, name) for name in names} | {"stamp": entry.stamp_ns / 1e9}


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
