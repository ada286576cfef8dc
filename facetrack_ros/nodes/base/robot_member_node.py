"""What every node of a robot has: its robot's name, its settings as parameters, its topics."""

from pathlib import Path

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from facetrack_ros.config import NODE_OPTIONS, OPTIONS, Config, option_named, optional_path
from facetrack_ros.errors import ConfigError
from facetrack_ros.nodes.base import parameters
from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode


class RobotMemberNode(LifecycleNode):
    """A managed node in a robot's namespace.

    The namespace is the robot's name (``/robot1``). Settings are parameters named as in
    :data:`facetrack_ros.config.OPTIONS`; ``cameras`` names the robot's cameras. Settings that may change while the node
    runs do so through ``ros2 param set``; a subclass that keeps copies of them takes the new ones in :meth:`settings_changed`.

    :param name: the node's name, where it is not the usual one.
    :param robot_id: the robot's name where the namespace is not given from outside.
    :param cameras: camera ids where the parameter is not given from outside.
    :param config: settings where the node is not configured from outside.
    :param set_on: settings that another node of this process takes changes of, and that node's name.
    :raises ConfigError: a parameter that is not allowed, or no robot name.
    """

    #: The node's usual name.
    NAME = ""
    #: The options it uses: full names, or prefixes that end in a dot.
    USES: tuple[str, ...] = ()
    #: What says what this one node does.
    OWN: tuple[str, ...] = ()

    def __init__(
        self,
        name: str = "",
        robot_id: str | None = None,
        cameras: tuple[str, ...] = (),
        config: Config | None = None,
        set_on: dict[str, str] | None = None,
    ):
        super().__init__(name or self.NAME, robot_id)
        self.robot_id = self.get_namespace().strip("/").replace("/", "_")
        if not self.robot_id:
            raise ConfigError("a robot needs a name: start the node in its namespace (--ros-args -r __ns:=/robot1)")
        self.cameras = self.own("cameras", cameras or None)
        twice = sorted({camera for camera in self.cameras if self.cameras.count(camera) > 1})
        if twice:
            raise ConfigError(f"two cameras are called {twice[0]}: give each a name of its own")
        given = config or Config()
        self.settings = Config(
            {option.name: parameters.declare(self, option, given.value(option.name)) for option in self.options()}
        )
        self._set_on = dict(set_on or {})
        self.add_on_set_parameters_callback(self._judge_change)
        self.add_post_set_parameters_callback(self._take_change)

    @classmethod
    def options(cls) -> tuple:
        """The settings this node uses."""
        return tuple(
            option
            for option in OPTIONS
            if option.name == "autostart"
            or any(option.name.startswith(used) if used.endswith(".") else option.name == used for used in cls.USES)
        )

    def own(self, name: str, default: object = None) -> object:
        """Declare what says what this one node does; its value.

        :param default: where the parameter is not given from outside; None: the option's.
        """
        option = next(option for option in NODE_OPTIONS if option.name == name)
        return parameters.declare(self, option, option.default if default is None else default)

    def start_up(self) -> None:
        """Look at what it was given, then configure and activate by itself where ``autostart`` says so.

        :raises FacetrackError: why it cannot be active.
        """
        parameters.check_names(self)
        self.come_up(self.settings.autostart)

    def refuse_change(self, settings: Config, names: set[str]) -> None:
        """Look at settings before they count; for subclasses.

        :param names: those that differ.
        :raises ConfigError: why they may not become so.
        """

    def settings_changed(self, names: set[str]) -> None:
        """Take new settings over to where copies of them are kept; for subclasses.

        :param names: those that changed.
        """

    def _judge_change(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            values = self._values(changes)
            for name in values:
                if name in self._set_on:
                    raise ConfigError(
                        f"this process changes {name} on one node for all: ros2 param set "
                        f"{self.get_namespace().rstrip('/')}/{self._set_on[name]} {name}"
                    )
            self.refuse_change(self.settings.changed(values), set(values))
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take_change(self, changes: list[Parameter]) -> None:
        values = self._values(changes)
        if values:
            self.settings = self.settings.changed(values)
            self.settings_changed(set(values))
            self.get_logger().info(", ".join(f"{name} is {value} now" for name, value in values.items()))

    def _values(self, changes: list[Parameter]) -> dict[str, object]:
        declared = {option.name for option in self.options()}
        return {
            change.name: option_named(change.name).check(change.value) for change in changes if change.name in declared
        }

    def camera_topic(self, camera_id: str, name: str) -> str:
        """A camera's topic, absolute."""
        return self.robot_topic(f"{camera_id}/{name}")

    def robot_topic(self, name: str) -> str:
        """A topic of the robot, absolute: in its namespace, which may be a nested one."""
        return f"{self.get_namespace().rstrip('/')}/{name}"

    def given_topic(self, setting: str, camera_id: str) -> str:
        """The topic that a setting names for a camera, absolute: in the robot's namespace unless it begins with ``/``."""
        topic = str(self.settings.value(setting)).replace("CAMERA", camera_id)
        return topic if topic.startswith("/") else self.robot_topic(topic)

    def mesh_topic(self, name: str) -> str:
        """A topic that all robots share, absolute."""
        return f"{self.settings.mesh.rstrip('/')}/{name}"

    def robot_folder(self) -> Path:
        """The folder that holds the folders of all robots."""
        return optional_path(self.settings.data_dir) or Path.home() / ".local/share/facetrack"
