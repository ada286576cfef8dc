"""Configuration, defined once: the YAML, the ROS parameters and the command line all come from ``OPTIONS``."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Union

import yaml

from facetrack_ros.errors import ConfigError

Value = Union[bool, int, float, str, "tuple[str, ...]"]


@dataclass(frozen=True)
class Option:
    """One setting.

    :param name: dotted, as in the YAML's nesting and as ROS parameter.
    :param default: its type is the option's type.
    :param minimum: smallest value of a number, None: no bound.
    :param maximum: largest value of a number, None: no bound.
    :param choices: the allowed words of a text, empty: any.
    :param live: whether it may change while a node that uses it runs.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    def check(self, value: object) -> Value:
        """The value in the option's own type.

        :raises ConfigError: wrong type, out of range or not among the choices.
        """
        wanted = type(self.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if wanted is tuple and isinstance(value, list) and all(isinstance(word, str) for word in value):
            value = tuple(value)
        if type(value) is not wanted:
            quotes = " (YAML reads off, on, yes and no so: put the word in quotes)" if (wanted, type(value)) == (str, bool) else ""
            raise ConfigError(f"{self.name} must be a {_TYPE_NAMES[wanted]}{self._allowed_text()}, not {value!r}{quotes}")
        if self.minimum is not None and not value >= self.minimum or self.maximum is not None and not value <= self.maximum:
            raise ConfigError(f"{self.name} must be {self.range_text()}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")
        return value

    def _allowed_text(self) -> str:
        if self.choices:
            return f", one of {', '.join(self.choices)}"
        return f" {self.range_text()}" if self.range_text() else ""

    @property
    def type_name(self) -> str:
        """Its type in words."""
        return _TYPE_NAMES[type(self.default)]

    def range_text(self) -> str:
        """The range in words, empty where there is none."""
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else ""


_TYPE_NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text", tuple: "list of texts"}

OPTIONS = (
    Option("mesh", "/facetrack", "Prefix of the topics that all robots share."),
    Option("data_dir", "", "Folder that holds one folder a robot; empty: ~/.local/share/facetrack."),
    Option("autostart", True, "Nodes configure and activate themselves; without, `ros2 lifecycle set` or a lifecycle manager does."),
    Option("camera.jpeg_quality", 90, "JPEG quality of frames that do not come as JPEG.", 1, 100, live=True),
    Option("camera.topics", "", "Topics of cameras whose driver names them in its own way: NAME=TOPIC, separated by spaces; else found by themselves."),
    Option("camera.qos", "auto", "How images are asked for: auto (received from every driver), best_effort or reliable.",
           choices=("auto", "best_effort", "reliable")),
    Option("camera.loop", False, "Start a file, folder or bag again at its end.", live=True),
    Option("detector.model", "auto", "Person detector: auto, a catalog id, a model file, yolo_onnx=PATH, ultralytics=PATH, or faces (persons from faces)."),
    Option("detector.min_score", 0.4, "Lowest person score that counts.", 0.0, 1.0, live=True),
    Option("detector.faint_score", 0.05,
           "At the picture's sides, boxes of lower scores down to this one lengthen tracks; from min_score on: none do.",
           0.0, 1.0),
    Option("detector.rate_hz", 0.0, "How often a second the detector looks at each camera at most; people are carried on between; 0: at every frame.",
           0.0, 1000.0),
    Option("detector.still_below", 0.0,
           "A frame that differs by fewer grey levels from the last one looked at is taken to show the same; 0: none is. Try 10.", 0.0, 255.0),
    Option("faces.model", "auto", "Face detector: auto, a catalog id or a model file."),
    Option("faces.min_width_px", 24, "Narrowest face that is embedded, pixels of the frame.", 12, 1000, live=True),
    Option("faces.whole_frame", False, "Look for faces in the whole frame, not only where persons are; a face beside them is a person too."),
    Option("faces.embed", "every", "Which faces are embedded: every, or improving: a track's face when it is better than before, else once a second.",
           choices=("every", "improving")),
    Option("faces.looks_per_s", 2.0, "How often a second a track's face is looked for at most, where faces.embed is improving; a new one's more often.",
           0.1, 1000.0),
    Option("embedder.model", "auto", "Face embedder: auto, a catalog id or a model file."),
    Option("embedder.appearance_as_identity", False,
           "Let an embedder that tells what a face looks like also say who it is, once a threshold is measured for it."),
    Option("face_tracking.enabled", True,
           "Look for faces; without, people are followed and nobody is recognised.", live=True),
    Option("face_tracking.embedding_dim", 0,
           "Numbers of a face embedding: 0 for the embedder's own, fewer only of one that tells what a face looks like.",
           0, 65536),
    Option("face_tracking.device", "auto", "Where torch models run: auto, cpu, cuda or cuda:N."),
    Option("battery.topic", "battery_state", "Topic of the robot's sensor_msgs/BatteryState; empty: none."),
    Option("battery.stop_faces_below", 0.2,
           "Charge, 0 to 1, below which face work stops; people are still followed.", 0.0, 1.0, live=True),
    Option("battery.resume_faces_at", 0.25, "Charge, 0 to 1, from which face work goes on.", 0.0, 1.0, live=True),
    Option("models.threads", 1, "Threads one model may use.", 1, 64),
    Option("models.workers", 0, "Frames looked at side by side, each on models of its own; 0: one a core.", 0, 64),
    Option("tracking.exit_after_s", 2.0, "A person unseen this long has left: PERSON_OUT.", 0.1, 3600.0, live=True),
    Option("tracking.association", "own", "What joins boxes to tracks: own, or a tracker of the trackers library.",
           choices=("own", "bytetrack", "ocsort", "botsort", "cbiou")),
    Option("tracking.camera_motion", "off", "How a moving camera's motion is measured (own, botsort): off, or a method of the trackers library.",
           choices=("off", "sparseOptFlow", "orb", "ecc", "sift")),
    Option("tracking.appearance", "off",
           "How whole bodies look, for tracking (own): off, osnet_x0_25_msmt17, colour_gradient_histogram or a model file."),
    Option("tracking.appearance_threshold", 0.0, "Similarity from which two bodies look the same; 0: the model's.", 0.0, 1.0),
    Option("tracking.lost_after_frames", 1, "A track that so many frames do not show is lost.", 1, 1000, live=True),
    Option("tracking.lost_for_s", 2.0, "How long somebody out of sight is looked for in a camera.", 0.1, 60.0, live=True),
    Option("tracking.sure_score", 0.7,
           "A person of this score, or with a face, is followed at once (own).", 0.0, 1.0, live=True),
    Option("tracking.likely_score", 0.55,
           "Several boxes of this score begin a track; lower ones only go on with one (own).", 0.0, 1.0, live=True),
    Option("gallery.folder", "", "Folder of pictures of enrolled people, a sub-folder or a file a person; empty: none."),
    Option("frame_history.memory_buffer_size", 300, "Frames kept in memory for each camera.", 1, 100000, live=True),
    Option("frame_history.mode", "alert", "Frames kept on disk: off, alert (around alerts), or continuous (all).",
           choices=("off", "alert", "continuous")),
    Option("frame_history.save_on_alert", True,
           "A recognised face (FACE_MATCHED) or a message on the topic alert is an alert; a call always is one.", live=True),
    Option("frame_history.pre_roll_s", 5.0,
           "How long before an alert the kept frames begin, as far as the memory reaches.", 0.0, 3600.0, live=True),
    Option("frame_history.post_roll_s", 5.0, "How long after an alert the kept frames end.", 0.0, 3600.0, live=True),
    Option("frame_history.disk_cache_dir", "", "Folder for frames on disk, one folder a robot below; empty: with the robot's other data."),
    Option("frame_history.max_disk_frames", 5000,
           "Most frames on disk, of all cameras together; 0: no limit.", 0, 1000000000, live=True),
    Option("frame_history.max_disk_mb", 0, "Most megabytes of frames on disk; 0: no limit.", 0, 1000000000, live=True),
    Option("frame_history.max_disk_age_h", 0.0,
           "Oldest frames on disk, hours behind the newest; 0: no limit.", 0.0, 1000000.0, live=True),
    Option("frame_history.min_free_mb", 500,
           "Megabytes that stay free on the disk of the frames; 0: none.", 0, 1000000000, live=True),
    Option("frame_history.compression", "jpg", "Frames on disk: jpg (the bytes that came, never encoded again), png, or h264 (a fourth of the bytes, 9 ms of CPU a frame).",
           choices=("jpg", "png", "h264")),
    Option("sightings.max_count", 0, "Most sightings (faces) kept, of all cameras together; 0: no limit.", 0, 1000000000, live=True),
    Option("sightings.max_age_h", 0.0, "Oldest sightings kept, hours behind the newest frame; 0: no limit.", 0.0, 1000000.0, live=True),
    Option("robot_pose.topic", "", "Topic that says where the robot is, kept with each sighting; empty: none."),
    Option("robot_pose.type", "auto", "What that topic is: odometry, pose, pose_with_covariance, or auto (as it is published).",
           choices=("auto", "odometry", "pose", "pose_with_covariance")),
    Option("robot_pose.max_age_s", 0.5, "A pose farther than this from a frame's stamp says nothing about it.", 0.0, 60.0),
    Option("event_logging.enabled", True, "Write events to a file a day.", live=True),
    Option("event_logging.dir", "", "Folder for event logs, one folder a robot below; empty: with the robot's other data."),
    Option("event_logging.format", "jsonl", "Format of the event log.", choices=("jsonl", "csv")),
    Option("event_logging.fsync", "off", "Whether each event is on the medium before the next one.", choices=("off", "each")),
    Option("backtrack_search.similarity_threshold", 0.0, "Lowest similarity of a match; 0: the model's calibrated one.",
           0.0, 1.0, live=True),
    Option("backtrack_search.search_window_sec", 0.0,
           "How far either side of the time asked for a search looks that names no window, seconds; 0: all that is kept.",
           0.0, 1000000000.0, live=True),
    Option("backtrack_search.max_results", 20, "Most matches in an answer.", 1, 1000, live=True),
    Option("backtrack_search.timeout_s", 2.0, "How long a search waits for the other robots.", 0.05, 600.0, live=True),
    Option("backtrack_search.rescan_threads", 0, "Threads that look again at stored frames, each with models of its own; 0: one a core.",
           0, 64),
    Option("backtrack_search.send_face_crop", False,
           "Send the face cut out of the asker's picture along, so that robots with another embedder can answer too."),
    Option("backtrack_search.reference_dir", "", "Folder whose pictures may be named in a search; empty: none may."),
    Option("markers.camera_info", "CAMERA/camera_info",
           "Topic of the sensor_msgs/CameraInfo that places people; CAMERA stands for the camera's name."),
    Option("markers.person_height_m", 1.7, "How tall people are taken to be, for their distance in the markers.", 0.5, 2.5, live=True),
    Option("markers.person_height_sd_m", 0.1, "How much people's heights differ, one standard deviation.", 0.0, 1.0, live=True),
    Option("vision_msgs.topic", "CAMERA/external_detections",
           "Topic of another detector's vision_msgs/Detection2DArray; CAMERA stands for the camera's name."),
    Option("vision_msgs.person_classes", "person, 0", "Class ids of that detector which are persons, separated by commas."),
    Option("hri.prefix", "/humans", "Prefix of the ROS4HRI topics; libhri reads /humans, which is one robot's."),
)
_BY_NAME = {option.name: option for option in OPTIONS}

#: What says of a robot which cameras it has, and of one node what it does. Not in the default file: every robot differs.
NODE_OPTIONS = (
    Option("cameras", ("front",), "Camera ids of this robot."),
    Option("sources", (), "NAME=SOURCE for each camera this robot reads itself; other cameras have their own driver."),
    Option("camera", "front", "The camera's id."),
    Option("use_sim_time", False, "Take the time from /clock. ROS gives every node this one."),
    Option("source", "", "Device index, address, video file, folder or bag:PATH:TOPIC."),
)
_NODE_BY_NAME = {option.name: option for option in NODE_OPTIONS}


def option_named(name: str) -> Option:
    """The option of a dotted name, of all robots or of one node.

    :raises ConfigError: there is none; names what may be meant, and what is allowed beside it.
    """
    option = _BY_NAME.get(name) or _NODE_BY_NAME.get(name)
    if option is None:
        raise ConfigError(f"unknown setting {name}; {_allowed_instead(name)}")
    return option


def _allowed_instead(name: str) -> str:
    known = (*_BY_NAME, *_NODE_BY_NAME)
    close = get_close_matches(name, known, 1)
    group = name.rpartition(".")[0]
    beside = [other for other in known if other.rpartition(".")[0] == group]
    meant = f"is {close[0]} meant? " if close else ""
    if group and beside:
        return f"{meant}allowed below {group} are {', '.join(other.rpartition('.')[2] for other in beside)}"
    return f"{meant}allowed are {', '.join(dict.fromkeys(other.partition('.')[0] for other in known))}"


class Config:
    """Settings by dotted name: the defaults, overlaid with what a file or a caller gave.

    :ivar sources: ``NAME=SOURCE`` of the cameras that a file named, empty where it named none.
    :ivar use_sim_time: whether a file asks for the time of ``/clock``.
    """

    def __init__(self, values: dict[str, object] | None = None):
        """:raises ConfigError: an unknown name or a value that is not allowed."""
        self._values = {option.name: option.default for option in OPTIONS}
        self.sources: tuple[str, ...] = ()
        self.use_sim_time = False
        for name, value in (values or {}).items():
            checked = option_named(name).check(value)
            if name in self._values:
                self._values[name] = checked
            elif name == "sources":
                self.sources = checked
            elif name == "use_sim_time":
                self.use_sim_time = checked

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def changed(self, values: dict[str, object]) -> "Config":
        """These settings with some others.

        :raises ConfigError: an unknown name or a value that is not allowed.
        """
        new = Config({**self._values, **values})
        new.sources, new.use_sim_time = new.sources or self.sources, self.use_sim_time
        return new

    def folder(self, name: str) -> Path | None:
        """A setting that is a folder, None where it is empty."""
        given = self._values[name]
        return Path(given).expanduser() if given else None

    def items(self):
        """Pairs of name and value, in the order of ``OPTIONS``."""
        return self._values.items()

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Read a ROS parameter file (``/**: ros__parameters:``) or the same keys without that head.

        :raises ConfigError: no such file, no YAML, or a key or value that is not allowed; names the file.
        """
        try:
            tree = yaml.safe_load(Path(path).read_text()) or {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the configuration {path}: {error}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is no YAML: {error}") from error
        try:
            return cls(flat(_for_every_node(tree)))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _for_every_node(tree: object) -> dict:
    """The settings of a ROS parameter file that are meant for every node, or those of a file without that head."""
    if isinstance(tree, dict) and "/**" in tree:
        others = [str(head) for head in tree if head != "/**"]
        if others:
            raise ConfigError(f"beside /** it speaks to {', '.join(others)}; only ROS can tell nodes apart: give it as "
                              "--params-file to the nodes, or put the settings below /**")
        tree = tree["/**"]
    if isinstance(tree, dict) and "ros__parameters" in tree:
        tree = tree["ros__parameters"]
    if not isinstance(tree, dict):
        raise ConfigError("it must hold settings by name, such as `detector: {model: auto}`")
    return tree


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    """Nested settings by dotted name."""
    values = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            values.update(flat(value, f"{name}."))
        else:
            values[name] = value
    return values
