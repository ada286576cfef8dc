"""Lifecycle node of a robot: namespace, settings as parameters, topic names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import CallbackGroup
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from facetrack_ros.config import NODE_OPTIONS, OPTIONS, Config, Option, data_folder, default_mesh, option_named
from facetrack_ros.errors import ConfigError
from facetrack_ros.nodes.base import parameters, ros_logging
from facetrack_ros.nodes.base.bounds import FRAMES
from facetrack_ros.nodes.base.inbox import Gate
from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.security.keys_folder import membership_of, mesh_sentence
from facetrack_ros.security.storage_key import use_storage_settings
from facetrack_ros.sources.camera_spec import check_name


class RobotMemberNode(LifecycleNode):
    """Lifecycle node in a robot's namespace.

    The namespace is the robot's name (``/robot1``). Settings are parameters named as in
    :data:`facetrack_ros.config.OPTIONS`; ``cameras`` names the robot's cameras. Settings that may change at run time
    change through ``ros2 param set``; a subclass that keeps copies of them updates these in :meth:`settings_changed`.

    Arguments are defaults of what is not given from outside as a parameter or remapping.

    :param name: the node's name; empty: :attr:`NAME`.
    :param set_on: settings that another node of this process changes for all, and that node's name.
    :raises ConfigError: a parameter that is not allowed, no robot name, a name that other robots would refuse, or a
        fleet file without a key of this robot.
    """

    #: The node's usual name.
    NAME = ""
    #: The options that the node uses: full names, or prefixes that end in a dot.
    USES: tuple[str, ...] = ()
    #: Parameters of this one node, from :data:`facetrack_ros.config.NODE_OPTIONS`.
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
        try:
            self._read_parameters(cameras, config)
        except Exception:
            ros_logging.detach(self)  # the node is never made
            self.destroy_node()
            raise
        self._set_on = dict(set_on or {})
        self.add_on_set_parameters_callback(self._check_changes)
        self.add_post_set_parameters_callback(self._apply_changes)

    def _read_parameters(self, cameras: tuple[str, ...], config: Config | None) -> None:
        self.robot_id = self.get_namespace().strip("/").replace("/", "_")
        if not self.robot_id:
            raise ConfigError("a robot needs a name: start the node in its namespace (--ros-args -r __ns:=/robot1)")
        check_name("robot", self.robot_id)
        self.cameras: tuple[str, ...] = self.own("cameras", cameras or None)
        for camera in self.cameras:
            check_name("camera", camera)
        twice = sorted({camera for camera in self.cameras if self.cameras.count(camera) > 1})
        if twice:
            raise ConfigError(f"two cameras are called {twice[0]}: give each a name of its own")
        given = config or Config({"mesh": default_mesh()})
        self.settings = Config(
            {option.name: parameters.declare(self, option, given.value(option.name)) for option in self.options()}
        )
        use_storage_settings(self.settings.storage.encryption, self.settings.storage.key_file)
        self.fleet = membership_of(self.settings.security.fleet_file, self.settings.security.key_file, self.robot_id)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """The settings that the node uses."""
        names = ("autostart", "allow_remote_changes", "security.", "storage.", *cls.USES)
        return tuple(
            option
            for option in OPTIONS
            if any(option.name.startswith(name) if name.endswith(".") else option.name == name for name in names)
        )

    def own(self, name: str, default: object = None, mask: Callable[[str], str] | None = None) -> Any:
        """Declare a parameter of :attr:`OWN` and return its value.

        :param default: where the parameter is not given from outside; None: the option's default.
        :param mask: removes passwords from its texts: the parameter shows what remains.
        """
        option = next(option for option in NODE_OPTIONS if option.name == name)
        return parameters.declare(self, option, option.default if default is None else default, mask)

    def start_up(self) -> None:
        """Check the given parameters; configure and activate where ``autostart`` is set.

        :raises FacetrackError: an unknown parameter, or the node cannot be activated.
        """
        parameters.check_names(self)
        self.get_logger().info(mesh_sentence(self.fleet))
        self.start(self.settings.autostart)

    def stoppable(self) -> bool:
        """Whether peers may stop the node, by the setting ``allow_remote_changes``."""
        return self.settings.allow_remote_changes

    def refuse_change(self, settings: Config, names: set[str]) -> None:
        """Check settings before they apply; overridden by subclasses.

        :param names: those that would change.
        :raises ConfigError: the change is not allowed.
        """

    def settings_changed(self, names: set[str]) -> None:
        """Update copies of settings; overridden by subclasses.

        :param names: those that changed.
        """

    def _check_changes(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            self._refuse_remote(changes)
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

    def _refuse_remote(self, changes: list[Parameter]) -> None:
        """Refuse what no peer may change; ROS does not tell who asks.

        :raises ConfigError: one is not harmless, and ``allow_remote_changes`` is not set.
        """
        if self.settings.allow_remote_changes:
            return
        free = {option.name for option in self.options() if option.harmless and self.fleet is None}
        # What is not declared yet is being declared.
        guarded = [change.name for change in changes if self.has_parameter(change.name) and change.name not in free]
        if guarded:
            raise ConfigError(
                f"{guarded[0]} is read-only while the node runs, as every program of the network could change it: put "
                "it into the settings file and restart, or start with allow_remote_changes: true"
            )

    def _apply_changes(self, changes: list[Parameter]) -> None:
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
        """Absolute name of a camera's topic."""
        return self.robot_topic(f"{camera_id}/{name}")

    def camera_publishers(self, kind: type, name: str, qos: QoSProfile) -> dict[str, Publisher]:
        """Create the publisher of one topic of each camera, by camera."""
        return {camera: self.create_publisher(kind, self.camera_topic(camera, name), qos) for camera in self.cameras}

    def receive(
        self, kind: type, topic: str, gate: Gate, qos: QoSProfile, group: CallbackGroup | None = None
    ) -> Subscription:
        """Subscribe a topic through a gate of :attr:`inbox`."""
        # rclpy passes the info to callbacks of two arguments.
        callback: Any = gate
        return self.create_subscription(kind, topic, callback, qos, callback_group=group)

    def receive_camera(
        self,
        camera_id: str,
        kind: type,
        name: str,
        convert: Callable[[str, Any], Any],
        handle: Callable[[Any], object],
        qos: QoSProfile = RELIABLE,
    ) -> Subscription:
        """Subscribe a camera's topic of the robot through :attr:`inbox`.

        :param convert: takes camera and message, and returns what ``handle`` takes; raises InvalidInput.
        """
        topic = self.camera_topic(camera_id, name)
        gate = self.inbox.gate(kind.__name__, handle, partial(convert, camera_id), lambda message: topic, FRAMES)
        return self.receive(kind, topic, gate, qos)

    def robot_topic(self, name: str) -> str:
        """Absolute name of a topic in the robot's namespace, which may be nested."""
        return f"{self.get_namespace().rstrip('/')}/{name}"

    def given_topic(self, setting: str, camera_id: str) -> str:
        """Absolute name of the topic that a setting gives for a camera; relative ones are in the robot's namespace."""
        topic = str(self.settings.value(setting)).replace("CAMERA", camera_id)
        return topic if topic.startswith("/") else self.robot_topic(topic)

    def robot_folder(self) -> Path:
        """The folder that holds the folders of all robots."""
        return data_folder(self.settings.data_dir)
