"""What every node of a robot has: its robot's name, its settings as parameters, its topics."""

from pathlib import Path

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy

from facetrack_ros.config import OPTIONS, Config, Option
from facetrack_ros.errors import ConfigError

# Frames and what is derived from them: the newest matters, a lost one does not. Best effort receives from reliable
# and best-effort cameras alike.
STREAM = QoSProfile(depth=5, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.BEST_EFFORT)
# What a robot derives from frames, within the robot: every message matters to who listens.
RELIABLE = QoSProfile(depth=100, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE)
# A robot's last line of the roster, for latecomers too; and the lines of all robots, as heard.
ROSTER_LINE = QoSProfile(depth=1, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE,
                         durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
ROSTER = QoSProfile(depth=1000, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE,
                    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
# The lines of all robots as a robot hears them that is always there. Nobody acknowledges: in a fleet of fifty, lines and
# acknowledgements would be nine thousand packets a second, and the next line comes in a second anyway.
ROSTER_EAR = QoSProfile(depth=1000, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.BEST_EFFORT)
# A robot's questions, and its answers, the last of which is kept for an asker whose ears its DDS does not know yet. DDS tells a
# reader of a lost message only every three seconds, and holds back what came after it; unless its history is full, when it
# tells with every message. With a depth of one it is always full: a question or an answer sent again comes through at once.
QUESTIONS = QoSProfile(depth=1, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE)
ANSWERS = QoSProfile(depth=1, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE,
                     durability=QoSDurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))
# The answers of all robots to several searches at once, while their asker looks elsewhere.
RESULTS = QoSProfile(depth=1000, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE,
                     durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
# The faces a robot has told of, for latecomers too.
TEMPLATES = QoSProfile(depth=100, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.RELIABLE,
                     durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class RobotMember(Node):
    """A node in a robot's namespace.

    The namespace is the robot's name (``/robot1``). Settings are read-only parameters named as in
    :data:`facetrack_ros.config.OPTIONS`; ``cameras`` names the robot's cameras.

    :param name: the node's name.
    :param settings: prefixes of the options this node uses.
    :param robot_id: the robot's name where the namespace is not given from outside.
    :param cameras: camera ids where the parameter is not given from outside.
    :param config: settings where the node is not configured from outside.
    :raises ConfigError: a parameter that is not allowed, or no robot name.
    """

    def __init__(self, name: str, settings: "tuple[str, ...]", robot_id: "str | None" = None,
                 cameras: "tuple[str, ...]" = (), config: "Config | None" = None):
        super().__init__(name, namespace=robot_id)
        self.robot_id = self.get_namespace().strip("/").replace("/", "_")
        if not self.robot_id:
            raise ConfigError("a robot needs a name: start the node in its namespace (--ros-args -r __ns:=/robot1)")
        self.cameras = tuple(self.declare_parameter(
            "cameras", list(cameras) or ["front"],
            ParameterDescriptor(description="Camera ids of this robot.", read_only=True)).value)
        twice = sorted({camera for camera in self.cameras if self.cameras.count(camera) > 1})
        if twice:
            raise ConfigError(f"two cameras are called {twice[0]}: give each a name of its own")
        given = config or Config()
        self.settings = Config({
            option.name: option.check(self._declare(option, given[option.name]))
            for option in OPTIONS if option.name.startswith(settings)})

    def _declare(self, option: Option, default: object) -> object:
        descriptor = ParameterDescriptor(description=option.description, read_only=True)
        if option.choices:
            descriptor.additional_constraints = f"one of {', '.join(option.choices)}"
        if option.minimum is not None and option.maximum is not None:
            if isinstance(option.default, int):
                descriptor.integer_range = [IntegerRange(from_value=int(option.minimum), to_value=int(option.maximum))]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(option.minimum), to_value=float(option.maximum))]
        return self.declare_parameter(option.name, default, descriptor).value

    def camera_topic(self, camera_id: str, name: str) -> str:
        """A camera's topic, absolute."""
        return self.robot_topic(f"{camera_id}/{name}")

    def robot_topic(self, name: str) -> str:
        """A topic of the robot, absolute: in its namespace, which may be a nested one."""
        return f"{self.get_namespace().rstrip('/')}/{name}"

    def given_topic(self, setting: str, camera_id: str) -> str:
        """The topic that a setting names for a camera, absolute: in the robot's namespace unless it begins with ``/``."""
        topic = self.settings[setting].replace("CAMERA", camera_id)
        return topic if topic.startswith("/") else self.robot_topic(topic)

    def mesh_topic(self, name: str) -> str:
        """A topic that all robots share, absolute."""
        return f"{self.settings['mesh'].rstrip('/')}/{name}"

    def robot_folder(self) -> Path:
        """The folder that holds the folders of all robots."""
        given = self.settings["data_dir"]
        return Path(given).expanduser() if given else Path.home() / ".local/share/facetrack"


