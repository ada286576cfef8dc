"""Models of this machine that embed faces as the robots of the mesh do."""

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError, RequestError
from facetrack_ros.search.fleet_roster import RosterEntry
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import face_settings

#: What to do where a model is missing, for commands that can send a picture to a robot.
SEND = "let a robot embed the picture: --send-picture --robot NAME"


def fleet_models(client: FleetClient, config: Config, robot: str = "", instead: str = SEND) -> PipelinePool:
    """The models of the settings, if a robot has the same embedder; else the ones most robots have. They are loaded.

    :param client: an open one that has heard the robots.
    :param robot: whose model is to be used; empty: one of any robot.
    :param instead: what else the user can do.
    :raises RequestError: there are none on this machine.
    """
    wanted = _by_number(
        [each for each in client.entries() if not each.left and not each.told_by and robot in ("", each.robot_id)]
    )
    problems = []
    for model_id in ("", *wanted):
        pool = PipelinePool(face_settings(config.changed({"embedder.model": model_id}) if model_id else config))
        try:
            pool.acquire("asker")
        except ModelError as error:
            problems.append(str(error))
            continue
        if not wanted or pool.contract.id in wanted:
            return pool
    said = f" ({problems[0]})" if problems else ""
    raise RequestError(
        f"the robots embed faces by {' or '.join(wanted) or 'a model'}, which is not on this machine{said}: run "
        f"`facetrack models pull`, name the model in --config, or {instead}"
    )


def _by_number(robots: list[RosterEntry]) -> list[str]:
    """The models of robots, that of the most first."""
    models = [robot.model_id for robot in robots if robot.model_id]
    return sorted(set(models), key=lambda model: (-models.count(model), model))
