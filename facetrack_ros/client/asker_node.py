"""Node of the command line on the mesh."""

import os

from facetrack_ros.config import Config
from facetrack_ros.core.user import user_name
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.type_descriptions import check_type_requests
from facetrack_ros.security.keys_folder import membership_of


class AskerNode(MeshNode):
    """Node that asks robots and is none.

    :param mesh: prefix of the topics that all robots share.
    :param config: settings of the command line.
    :raises ConfigError: there is a fleet file, and no key of an operator.
    """

    def __init__(self, mesh: str, config: Config | None = None):
        super().__init__(f"facetrack_asker_{os.getpid()}")
        check_type_requests(self)
        self.inbox = Inbox(self.get_logger())
        self.settings = (config or Config()).changed({"mesh": mesh})
        self.fleet = membership_of(self.settings.security.fleet_file, self.settings.security.key_file)
        self.robot_id = asker_name() if self.fleet is None else self.fleet.name


def asker_name() -> str:
    """Name under which searches of the command line are logged: ``cli_`` and the user's."""
    return user_name("cli")
