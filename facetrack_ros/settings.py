"""Every setting, defined once: name, type, default, description, range.

The YAML files, the ROS parameters, the command line and the docs take them from here through
:data:`facetrack_ros.config.OPTIONS`.
"""

from dataclasses import dataclass, field
from typing import Any


def option(
    default: Any,
    description: str,
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """A dataclass field that is a setting; the arguments are those of :class:`facetrack_ros.config.Option`."""
    metadata = {"description": description, "minimum": minimum, "maximum": maximum, "choices": choices, "live": live}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class CameraOptions:
    """Images of the cameras."""

    jpeg_quality: int = option(90, "JPEG quality of frames that do not come as JPEG.", 1, 100, live=True)
    topics: str = option(
        "",
        "Topics of cameras whose driver names them in its own way: NAME=TOPIC, separated by spaces; else found by themselves.",
    )
    qos: str = option(
        "auto",
        "How images are asked for: auto (received from every driver), best_effort or reliable.",
        choices=("auto", "best_effort", "reliable"),
    )
    loop: bool = option(False, "Start a file, folder or bag again at its end.", live=True)


@dataclass(frozen=True)
class DetectorOptions:
    """The person detector, and which frames it analyses."""

    model: str = option(
        "auto",
        "Person detector: auto, a catalog id, a model file, yolo_onnx=PATH, ultralytics=PATH, or faces (persons from faces).",
    )
    min_score: float = option(0.4, "Lowest person score that counts.", 0.0, 1.0, live=True)
    faint_score: float = option(
        0.05,
        "At the picture's sides, boxes of lower scores down to this one lengthen tracks; from min_score on: none do.",
        0.0,
        1.0,
    )
    rate_hz: float = option(
        0.0,
        "How often a second the detector looks at each camera at most; people are carried on between; 0: at every frame.",
        0.0,
        1000.0,
    )
    still_below: float = option(
        0.0,
        "A frame that differs by fewer grey levels from the last one looked at is taken to show the same; 0: none is. Try 10.",
        0.0,
        255.0,
    )


@dataclass(frozen=True)
class FacesOptions:
    """The face detector, and which faces are embedded."""

    model: str = option("auto", "Face detector: auto, a catalog id or a model file.")
    min_width_px: int = option(24, "Narrowest face that is embedded, pixels of the frame.", 12, 1000, live=True)
    whole_frame: bool = option(
        False, "Look for faces in the whole frame, not only where persons are; a face beside them is a person too."
    )
    embed: str = option(
        "every",
        "Which faces are embedded: every, or improving: a track's face when it is better than before, else once a second.",
        choices=("every", "improving"),
    )
    looks_per_s: float = option(
        2.0,
        "How often a second a track's face is looked for at most, where faces.embed is improving; a new one's more often.",
        0.1,
        1000.0,
    )


@dataclass(frozen=True)
class EmbedderOptions:
    """The face embedder."""

    model: str = option("auto", "Face embedder: auto, a catalog id or a model file.")
    appearance_as_identity: bool = option(
        False,
        "Let an embedder that tells what a face looks like also say who it is, once a threshold is measured for it.",
    )


@dataclass(frozen=True)
class FaceTrackingOptions:
    """Face work as a whole."""

    enabled: bool = option(True, "Look for faces; without, people are followed and nobody is recognised.", live=True)
    embedding_dim: int = option(
        0,
        "Numbers of a face embedding: 0 for the embedder's own, fewer only of one that tells what a face looks like.",
        0,
        65536,
    )
    device: str = option("auto", "Where torch models run: auto, cpu, cuda or cuda:N.")


@dataclass(frozen=True)
class BatteryOptions:
    """What a low battery switches off."""

    topic: str = option("battery_state", "Topic of the robot's sensor_msgs/BatteryState; empty: none.")
    stop_faces_below: float = option(
        0.2, "Charge, 0 to 1, below which face work stops; people are still followed.", 0.0, 1.0, live=True
    )
    resume_faces_at: float = option(0.25, "Charge, 0 to 1, from which face work goes on.", 0.0, 1.0, live=True)


@dataclass(frozen=True)
class ModelsOptions:
    """Threads of the models."""

    threads: int = option(1, "Threads one model may use.", 1, 64)
    workers: int = option(0, "Frames looked at side by side, each on models of its own; 0: one a core.", 0, 64)


@dataclass(frozen=True)
class TrackingOptions:
    """Tracks and events."""

    exit_after_s: float = option(2.0, "A person unseen this long has left: PERSON_OUT.", 0.1, 3600.0, live=True)
    association: str = option(
        "own",
        "What joins boxes to tracks: own, or a tracker of the trackers library.",
        choices=("own", "bytetrack", "ocsort", "botsort", "cbiou"),
    )
    camera_motion: str = option(
        "off",
        "How a moving camera's motion is measured (own, botsort): off, or a method of the trackers library.",
        choices=("off", "sparseOptFlow", "orb", "ecc", "sift"),
    )
    appearance: str = option(
        "off",
        "How whole bodies look, for tracking (own): off, osnet_x0_25_msmt17, colour_gradient_histogram or a model file.",
    )
    appearance_threshold: float = option(
        0.0, "Similarity from which two bodies look the same; 0: the model's.", 0.0, 1.0
    )
    lost_after_frames: int = option(1, "A track that so many frames do not show is lost.", 1, 1000, live=True)
    lost_for_s: float = option(2.0, "How long somebody out of sight is looked for in a camera.", 0.1, 60.0, live=True)
    sure_score: float = option(
        0.7, "A person of this score, or with a face, is followed at once (own).", 0.0, 1.0, live=True
    )
    likely_score: float = option(
        0.55, "Several boxes of this score begin a track; lower ones only go on with one (own).", 0.0, 1.0, live=True
    )


@dataclass(frozen=True)
class GalleryOptions:
    """Enrolled people."""

    folder: str = option("", "Folder of pictures of enrolled people, a sub-folder or a file a person; empty: none.")


@dataclass(frozen=True)
class FrameHistoryOptions:
    """Frames in memory and on disk."""

    memory_buffer_size: int = option(300, "Frames kept in memory for each camera.", 1, 100000, live=True)
    mode: str = option(
        "alert",
        "Frames kept on disk: off, alert (around alerts), or continuous (all).",
        choices=("off", "alert", "continuous"),
    )
    save_on_alert: bool = option(
        True,
        "A recognised face (FACE_MATCHED) or a message on the topic alert is an alert; a call always is one.",
        live=True,
    )
    pre_roll_s: float = option(
        5.0, "How long before an alert the kept frames begin, as far as the memory reaches.", 0.0, 3600.0, live=True
    )
    post_roll_s: float = option(5.0, "How long after an alert the kept frames end.", 0.0, 3600.0, live=True)
    disk_cache_dir: str = option(
        "", "Folder for frames on disk, one folder a robot below; empty: with the robot's other data."
    )
    max_disk_frames: int = option(
        5000, "Most frames on disk, of all cameras together; 0: no limit.", 0, 1000000000, live=True
    )
    max_disk_mb: int = option(0, "Most megabytes of frames on disk; 0: no limit.", 0, 1000000000, live=True)
    max_disk_age_h: float = option(
        0.0, "Oldest frames on disk, hours behind the newest; 0: no limit.", 0.0, 1000000.0, live=True
    )
    min_free_mb: int = option(
        500, "Megabytes that stay free on the disk of the frames; 0: none.", 0, 1000000000, live=True
    )
    compression: str = option(
        "jpg",
        "Frames on disk: jpg (the bytes that came, never encoded again), png, or h264 (a fourth of the bytes, 9 ms of CPU a frame).",
        choices=("jpg", "png", "h264"),
    )


@dataclass(frozen=True)
class SightingsOptions:
    """How many sightings are kept."""

    max_count: int = option(
        0, "Most sightings (faces) kept, of all cameras together; 0: no limit.", 0, 1000000000, live=True
    )
    max_age_h: float = option(
        0.0, "Oldest sightings kept, hours behind the newest frame; 0: no limit.", 0.0, 1000000.0, live=True
    )


@dataclass(frozen=True)
class RobotPoseOptions:
    """Where the robot was."""

    topic: str = option("", "Topic that says where the robot is, kept with each sighting; empty: none.")
    type: str = option(
        "auto",
        "What that topic is: odometry, pose, pose_with_covariance, or auto (as it is published).",
        choices=("auto", "odometry", "pose", "pose_with_covariance"),
    )
    max_age_s: float = option(0.5, "A pose farther than this from a frame's stamp says nothing about it.", 0.0, 60.0)


@dataclass(frozen=True)
class EventLoggingOptions:
    """The event log."""

    enabled: bool = option(True, "Write events to a file a day.", live=True)
    dir: str = option("", "Folder for event logs, one folder a robot below; empty: with the robot's other data.")
    format: str = option("jsonl", "Format of the event log.", choices=("jsonl", "csv"))
    fsync: str = option("off", "Whether each event is on the medium before the next one.", choices=("off", "each"))


@dataclass(frozen=True)
class BacktrackSearchOptions:
    """Searches over what was seen."""

    similarity_threshold: float = option(
        0.0, "Lowest similarity of a match; 0: the model's calibrated one.", 0.0, 1.0, live=True
    )
    search_window_sec: float = option(
        0.0,
        "How far either side of the time asked for a search looks that names no window, seconds; 0: all that is kept.",
        0.0,
        1000000000.0,
        live=True,
    )
    max_results: int = option(20, "Most matches in an answer.", 1, 1000, live=True)
    timeout_s: float = option(2.0, "How long a search waits for the other robots.", 0.05, 600.0, live=True)
    rescan_threads: int = option(
        0, "Threads that look again at stored frames, each with models of its own; 0: one a core.", 0, 64
    )
    send_face_crop: bool = option(
        False,
        "Send the face cut out of the asker's picture along, so that robots with another embedder can answer too.",
    )
    reference_dir: str = option("", "Folder whose pictures may be named in a search; empty: none may.")


@dataclass(frozen=True)
class MarkersOptions:
    """Markers for rviz and Foxglove."""

    camera_info: str = option(
        "CAMERA/camera_info",
        "Topic of the sensor_msgs/CameraInfo that places people; CAMERA stands for the camera's name.",
    )
    person_height_m: float = option(
        1.7, "How tall people are taken to be, for their distance in the markers.", 0.5, 2.5, live=True
    )
    person_height_sd_m: float = option(
        0.1, "How much people's heights differ, one standard deviation.", 0.0, 1.0, live=True
    )


@dataclass(frozen=True)
class VisionMsgsOptions:
    """Detections of another detector."""

    topic: str = option(
        "CAMERA/external_detections",
        "Topic of another detector's vision_msgs/Detection2DArray; CAMERA stands for the camera's name.",
    )
    person_classes: str = option("person, 0", "Class ids of that detector which are persons, separated by commas.")


@dataclass(frozen=True)
class HriOptions:
    """ROS4HRI topics."""

    prefix: str = option("/humans", "Prefix of the ROS4HRI topics; libhri reads /humans, which is one robot's.")


@dataclass(frozen=True)
class Settings:
    """All settings of a robot. A group is a key of the YAML and the first part of a parameter's name."""

    mesh: str = option("/facetrack", "Prefix of the topics that all robots share.")
    data_dir: str = option("", "Folder that holds one folder a robot; empty: ~/.local/share/facetrack.")
    autostart: bool = option(
        True, "Nodes configure and activate themselves; without, `ros2 lifecycle set` or a lifecycle manager does."
    )
    camera: CameraOptions = field(default_factory=CameraOptions)
    detector: DetectorOptions = field(default_factory=DetectorOptions)
    faces: FacesOptions = field(default_factory=FacesOptions)
    embedder: EmbedderOptions = field(default_factory=EmbedderOptions)
    face_tracking: FaceTrackingOptions = field(default_factory=FaceTrackingOptions)
    battery: BatteryOptions = field(default_factory=BatteryOptions)
    models: ModelsOptions = field(default_factory=ModelsOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    gallery: GalleryOptions = field(default_factory=GalleryOptions)
    frame_history: FrameHistoryOptions = field(default_factory=FrameHistoryOptions)
    sightings: SightingsOptions = field(default_factory=SightingsOptions)
    robot_pose: RobotPoseOptions = field(default_factory=RobotPoseOptions)
    event_logging: EventLoggingOptions = field(default_factory=EventLoggingOptions)
    backtrack_search: BacktrackSearchOptions = field(default_factory=BacktrackSearchOptions)
    markers: MarkersOptions = field(default_factory=MarkersOptions)
    vision_msgs: VisionMsgsOptions = field(default_factory=VisionMsgsOptions)
    hri: HriOptions = field(default_factory=HriOptions)
