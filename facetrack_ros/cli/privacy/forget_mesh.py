"""``facetrack forget`` on the mesh: every robot is asked what it holds, then to forget it."""

import argparse
from typing import Any

from facetrack_ros.cli.mesh_option import mesh_prefix
from facetrack_ros.client.fleet_models import fleet_models
from facetrack_ros.client.people_client import PeopleClient
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.kinds import FORGET, FORGET_PREVIEW
from facetrack_ros.errors import RequestError
from facetrack_ros.search.fleet.fleet_answer import DONE, RobotLine
from facetrack_ros.search.reference_image import decode_reference, read_picture

_INSTEAD = "use --person with an id that facetrack search finds"


def forget_mesh(arguments: argparse.Namespace, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Forget on every robot of the mesh, or on ``--robot``; one line a robot.

    Robots get the face or the name only in the question what they hold, which none of them keeps.

    :raises RequestError: there is no robot, or more than half of a store would go, without ``--yes``; nothing is
        deleted on any robot then.
    """
    robots = (arguments.robot,) if arguments.robot else ()
    said = {"timeout_s": arguments.timeout, "robots": robots, "operator": asked["operator"], "reason": asked["reason"]}
    with PeopleClient(mesh_prefix(arguments), Config.load(arguments.config)) as client:
        client.requester.discover()
        named = {name: value for name, value in asked.items() if name not in ("operator", "reason") and value}
        if arguments.image:
            named["faces"] = _faces(client, arguments)
        found = client.requester.ask(FORGET_PREVIEW, named, **said)
        if asked["start_ns"] is None:
            # What one robot knows of the person, by the face, helps the others.
            more = {
                f"more_{kind}": sorted({each for line in found.done for each in line.values[ids]})
                for kind, ids in (("persons", "person_ids"), ("entries", "entry_ids"), ("tracks", "track_ids"))
            }
            found = client.requester.ask(FORGET_PREVIEW, {**named, **more}, **said)
            kept = {name: value for name, value in named.items() if name in ("order_id", "blur", "person_id")}
            named = {**kept, **{name: ids for name, ids in more.items() if ids}}
        lines = {line.robot_id: _line(line) for line in found.lines}
        nothing = all(line.values["nothing"] for line in found.done)
        # Ids and times are for robots that are away, too; a face or name that none of these knows is kept nowhere.
        if arguments.dry_run or (nothing and not named.keys() - {"order_id", "blur", "name", "faces"}):
            return [lines[robot] for robot in sorted(lines)]
        for line in found.done if not arguments.yes else ():
            if line.values["too_much"]:
                raise RequestError(f"{line.robot_id}: {line.values['too_much']}, more than half: --yes deletes them")
        done = client.requester.ask(FORGET, {**named, "yes": arguments.yes}, **said)
        for line in done.lines:
            known = lines.get(line.robot_id, {})
            names = {"names": known.get("names", []), "nothing": known.get("nothing", False)}
            lines[line.robot_id] = _line(line) | (names if line.state == DONE else {})
        return [lines[robot] for robot in sorted(lines)]


def _faces(client: PeopleClient, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """The face in ``--image`` by the model of most robots.

    :raises RequestError: that is not on this machine, or there is no face.
    """
    models = fleet_models(client.fleet, Config.load(arguments.config), arguments.robot or "", _INSTEAD)
    image = decode_reference(read_picture(arguments.image))
    face = models.acquire("asker").embed_reference(image, arguments.face)
    assert face.embedding is not None  # a reference face without one is refused
    return {models.contract.id: face.embedding.tolist()}


def _line(line: RobotLine) -> dict[str, Any]:
    error = "" if line.state == DONE else f"{line.state}: {line.reason}" if line.reason else line.state
    values = line.values
    return {
        "robot_id": line.robot_id,
        "error": error,
        "nothing": bool(values.get("nothing")),
        "person_ids": list(values.get("person_ids", ())),
        "names": list(values.get("names", ())),
        "found": dict(values.get("found", {})),
        "receipt": values.get("receipt"),
    }
