"""Definition of every setting: name, type, default, description, range.

YAML files, ROS parameters, the command line and the docs derive from it, through :data:`facetrack_ros.config.OPTIONS`.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any


def option(
    default: Any,
    description: str,
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    choices: tuple[str, ...] = (),
    live: bool = False,
    harmless: bool = False,
) -> Any:
    """A dataclass field for a setting; arguments as for :class:`facetrack_ros.config.Option`."""
    limits = {"minimum": minimum, "maximum": maximum, "choices": choices}
    return field(default=default, metadata={"description": description, **limits, "live": live, "harmless": harmless})


#: A setting that may change while a node runs, where ``allow_remote_changes`` is set: it deletes, silences, or changes
#: what is recognised or found.
live = partial(option, live=True)
#: A setting that any peer may change while a node runs.
harmless = partial(option, live=True, harmless=True)


@dataclass(frozen=True)
class CameraOptions:
    """Images of the cameras."""

    jpeg_quality: int = live(90, "JPEG quality of frames that do not arrive as JPEG.", 1, 100)
    topics: str = option(
        "", "Image topics of cameras with other names: NAME=TOPIC, separated by spaces; empty: found automatically."
    )
    qos: str = option(
        "auto",
        "QoS of image subscriptions: auto (matches every publisher), best_effort or reliable.",
        choices=("auto", "best_effort", "reliable"),
    )
    rotation: str = option(
        "auto",
        "Degrees clockwise by which images are turned: 0, 90, 180, 270, or auto (as the faces show); one value for all "
        "cameras, or NAME=VALUE for each, separated by spaces.",
    )
    loop: bool = live(False, "Restart a file, folder or bag at its end.")


@dataclass(frozen=True)
class DetectorOptions:
    """Person detector, and the frames it analyses."""

    model: str = option(
        "auto",
        "Person detector: auto, a catalog id, a model file, yolo_onnx=PATH, ultralytics=PATH, or faces (from faces).",
    )
    min_score: float = live(0.4, "Lowest score of a person detection.", 0.0, 1.0)
    faint_score: float = option(
        0.05,
        "Lowest score of a detection at an edge of the image that may extend a track; min_score or higher: off.",
        0.0,
        1.0,
    )
    rate_hz: float = option(
        0.0, "Most detector runs per second and camera; tracks are extrapolated between; 0: every frame.", 0.0, 1000.0
    )
    still_below: float = option(
        0.0,
        "A frame that differs from the last analysed one by fewer grey levels is not analysed; 0: all are. Try 10.",
        0.0,
        255.0,
    )


@dataclass(frozen=True)
class FacesOptions:
    """Face detector, and the faces that are embedded."""

    model: str = option("auto", "Face detector: auto, a catalog id or a model file.")
    min_width_px: int = live(24, "Smallest width of a face that is embedded, pixels of the frame.", 12, 1000)
    min_close_score: float = option(
        0.85,
        "Lowest score of a YuNet face's second search, on a crop of it; lower ones are backs of heads, refused. "
        "CenterFace has limits of its own. 0: off for both.",
        0.0,
        1.0,
    )
    whole_frame: bool = option(
        False, "Detect faces in the whole frame, not only in persons; a face outside all persons becomes a person."
    )
    embed: str = option(
        "every",
        "Which faces are embedded: every, or improving (a track's face when its quality rises, else once a second).",
        choices=("every", "improving"),
    )
    looks_per_s: float = option(
        2.0, "Most face detections per second and track with faces.embed improving; new tracks get more.", 0.1, 1000.0
    )


@dataclass(frozen=True)
class EmbedderOptions:
    """The face embedder."""

    model: str = option("auto", "Face embedder: auto, a catalog id or a model file.")
    appearance_as_identity: bool = option(
        False, "Let an embedder that compares appearance also identify persons, once its threshold is measured."
    )


@dataclass(frozen=True)
class FaceTrackingOptions:
    """Face detection and embedding as a whole."""

    enabled: bool = live(True, "Detect and embed faces; false: persons are tracked without being recognised.")
    embedding_dim: int = option(
        0,
        "Dimension of face embeddings: 0 for the embedder's own; fewer only for one that compares appearance.",
        0,
        65536,
    )
    device: str = option("auto", "Device of torch models: auto, cpu, cuda or cuda:N.")


@dataclass(frozen=True)
class BatteryOptions:
    """Limits at low battery."""

    topic: str = option("battery_state", "Topic of the robot's sensor_msgs/BatteryState; empty: none.")
    stop_faces_below: float = live(
        0.2, "Charge, 0 to 1, below which face detection stops; persons are still tracked.", 0.0, 1.0
    )
    resume_faces_at: float = live(0.25, "Charge, 0 to 1, at which face detection resumes.", 0.0, 1.0)


@dataclass(frozen=True)
class ModelsOptions:
    """Threads and parallel frames."""

    threads: int = option(1, "Threads per model.", 1, 64)
    workers: int = option(0, "Frames analysed in parallel, each by its own set of models; 0: one per core.", 0, 64)


@dataclass(frozen=True)
class RecognitionOptions:
    """Whose faces are kept."""

    keep: str = option(
        "all",
        "Faces that are kept: all, or watchlist (of enrolled people only; others are compared, then dropped).",
        choices=("all", "watchlist"),
    )


@dataclass(frozen=True)
class PrivacyOptions:
    """Why people are recorded; shown in the robot's status and in exports."""

    purpose: str = option("", "What people are recorded for, in at most 200 characters.")
    legal_basis: str = option("", "On what legal basis, in at most 200 characters.")


@dataclass(frozen=True)
class TrackingOptions:
    """Tracks and events."""

    exit_after_s: float = live(2.0, "Time without a sighting after which a person has left (PERSON_OUT).", 0.1, 3600.0)
    association: str = option(
        "own",
        "Tracker that assigns boxes to tracks: own, or one of the trackers library.",
        choices=("own", "bytetrack", "ocsort", "botsort", "cbiou"),
    )
    camera_motion: str = option(
        "off",
        "Motion compensation for moving cameras (own, botsort): off, or a method of the trackers library.",
        choices=("off", "sparseOptFlow", "orb", "ecc", "sift"),
    )
    appearance: str = option(
        "off", "Body embedder for tracking (own): off, osnet_x0_25_msmt17, colour_gradient_histogram or a model file."
    )
    appearance_threshold: float = option(
        0.0, "Lowest similarity of two bodies of one person; 0: the model's own threshold.", 0.0, 1.0
    )
    lost_after_frames: int = live(1, "Frames without a detection after which a track is lost.", 1, 1000)
    lost_for_s: float = live(2.0, "Time for which a lost track may be continued in its camera.", 0.1, 60.0)
    sure_score: float = live(0.7, "A detection of this score, or with a face, starts a track at once (own).", 0.0, 1.0)
    likely_score: float = live(
        0.55, "Several detections of this score start a track; lower ones only continue one (own).", 0.0, 1.0
    )
    still_score: float = live(
        0.6,
        "Lowest mean score of a track that neither moves nor shows a face; 0: a still track may have any.",
        0.0,
        1.0,
    )
    still_for_s: float = live(
        3.0, "Time without motion and without a face after which a track below still_score ends.", 0.1, 3600.0
    )


@dataclass(frozen=True)
class GalleryOptions:
    """Enrolled people."""

    folder: str = option("", "Folder of pictures of enrolled people, one sub-folder or file per person; empty: none.")


@dataclass(frozen=True)
class FrameHistoryOptions:
    """Frames in memory and on disk."""

    memory_buffer_size: int = live(300, "Frames in memory per camera.", 1, 100000)
    mode: str = option(
        "alert",
        "Frames stored on disk: off, alert (around alerts), or continuous (all).",
        choices=("off", "alert", "continuous"),
    )
    save_on_alert: bool = live(
        True, "A recognised face (FACE_MATCHED) or a message on the topic alert is an alert; a service call always is."
    )
    visit_frames: bool = live(
        True, "With mode alert: also store one frame of each visit that shows a face, the one with the best face."
    )
    pre_roll_s: float = live(5.0, "Time before an alert that is stored, as far as frames are in memory.", 0.0, 3600.0)
    post_roll_s: float = live(5.0, "Time after an alert that is stored.", 0.0, 3600.0)
    disk_cache_dir: str = option(
        "", "Folder of stored frames, one folder per robot; empty: with the robot's other data."
    )
    max_disk_frames: int = live(5000, "Most stored frames, of all cameras together; 0: no limit.", 0, 10**9)
    max_disk_mb: int = live(0, "Most megabytes of stored frames; 0: no limit.", 0, 10**9)
    max_disk_age_h: float = live(0.0, "Greatest age of stored frames, hours before the newest; 0: no limit.", 0.0, 1e6)
    min_free_mb: int = live(
        500,
        "Megabytes that stored frames and clips leave free; events, sightings and logs leave a tenth of it; 0: none.",
        0,
        10**9,
    )
    compression: str = option(
        "jpg",
        "Format of stored frames: jpg (never re-encoded), png, or h264 (a quarter of the size, 9 ms of CPU a frame).",
        choices=("jpg", "png", "h264"),
    )


@dataclass(frozen=True)
class ClipsOptions:
    """Limits of clips saved over ROS."""

    max_count: int = option(200, "Most clips; the oldest are deleted, which the response says; 0: no limit.", 0, 10**6)
    max_mb: int = option(2000, "Most megabytes of clips, and of one; the oldest are deleted; 0: no limit.", 0, 10**9)
    max_age_h: float = option(0.0, "Greatest age of clips, hours since they were saved; 0: no limit.", 0.0, 1e6)


@dataclass(frozen=True)
class SightingsOptions:
    """Limits of stored sightings."""

    max_count: int = live(0, "Most stored sightings (faces), of all cameras together; 0: no limit.", 0, 10**9)
    max_age_h: float = live(
        0.0, "Greatest age of stored sightings, hours before the newest frame; 0: no limit.", 0.0, 1e6
    )
    thumbnails_max_age_h: float = live(
        0.0, "Greatest age of their thumbnails, hours before the newest frame; 0: as the sightings.", 0.0, 1e6
    )


@dataclass(frozen=True)
class RobotPoseOptions:
    """Pose of the robot."""

    topic: str = option("", "Topic of the robot's pose, stored with each sighting; empty: none.")
    type: str = option(
        "auto",
        "Message type of that topic: odometry, pose, pose_with_covariance, or auto (as published).",
        choices=("auto", "odometry", "pose", "pose_with_covariance"),
    )
    max_age_s: float = option(0.5, "Greatest time between a pose and the frame that it is stored with.", 0.0, 60.0)


@dataclass(frozen=True)
class EventLoggingOptions:
    """The event log."""

    enabled: bool = live(True, "Write events to one file per day.")
    max_age_h: float = live(
        0.0, "Greatest age of events, hours before the newest frame; whole days are deleted; 0: no limit.", 0.0, 1e6
    )
    dir: str = option("", "Folder of event logs, one folder per robot; empty: with the robot's other data.")
    format: str = option("jsonl", "Format of the event log.", choices=("jsonl", "csv"))
    fsync: str = option(
        "off",
        "Flush each event to the storage medium before the next one (each), or leave it to the system (off).",
        choices=("off", "each"),
    )


@dataclass(frozen=True)
class AuditOptions:
    """The audit log."""

    max_age_days: int = option(
        183,
        "Days for which the audit log is kept; six months by default, as EU AI Act Art. 26(6) asks for; 0: for ever.",
        0,
        100000,
    )
    require_reason: bool = option(
        False, "Refuse searches and other requests that name no operator or no reason; not what robots pass on."
    )
    confirmations: int = option(1, "Persons who have to confirm a match before it counts as confirmed.", 1, 2)


@dataclass(frozen=True)
class BacktrackSearchOptions:
    """Searches over the history."""

    operating_point: str = live(
        "strict",
        "Threshold by its false-match rate: strict (1 in 100,000), balanced (1 in 10,000) or wide (1 in 1,000).",
        choices=("strict", "balanced", "wide"),
    )
    similarity_threshold: float = live(
        0.0, "Lowest similarity of a match, for the model in use; 0: that of operating_point.", 0.0, 1.0
    )
    search_window_sec: float = live(
        0.0,
        "Seconds before and after the requested time for requests without a window; 0: all that is stored.",
        0.0,
        1e9,
    )
    max_results: int = live(20, "Most matches in a response.", 1, 1000)
    timeout_s: float = live(2.0, "Longest wait of a search for the other robots.", 0.05, 600.0)
    rescan_threads: int = option(
        0, "Threads that rescan stored frames, each with its own set of models; 0: one per core.", 0, 64
    )
    send_face_crop: bool = option(
        False, "Send the aligned face crop with a request, so that robots with another embedder can answer too."
    )
    reference_dir: str = option("", "Folder of pictures that requests may name; empty: none.")


@dataclass(frozen=True)
class MarkersOptions:
    """Markers for rviz and Foxglove."""

    camera_info: str = option(
        "CAMERA/camera_info",
        "Topic of the sensor_msgs/CameraInfo that places persons; CAMERA is replaced by the camera's name.",
    )
    person_height_m: float = harmless(1.7, "Assumed height of persons, for their distance in the markers.", 0.5, 2.5)
    person_height_sd_m: float = harmless(0.1, "Standard deviation of persons' heights.", 0.0, 1.0)


@dataclass(frozen=True)
class VisionMsgsOptions:
    """Detections of another detector."""

    topic: str = option(
        "CAMERA/external_detections",
        "Topic of another detector's vision_msgs/Detection2DArray; CAMERA is replaced by the camera's name.",
    )
    person_classes: str = option("person, 0", "Class ids of persons in that detector, separated by commas.")


@dataclass(frozen=True)
class HriOptions:
    """ROS4HRI topics."""

    prefix: str = option("/humans", "Prefix of the ROS4HRI topics; libhri reads /humans, the topics of one robot.")


@dataclass(frozen=True)
class SecurityOptions:
    """Who belongs to the fleet."""

    fleet_file: str = option(
        "",
        "The fleet file; empty: fleet.yaml in the folder of keys (FACETRACK_KEYS, ~/.config/facetrack), where there is "
        "one; open: none, every program of the network may take part.",
    )
    key_file: str = option("", "Private key of this robot or operator; empty: NAME.key in the folder of keys.")


@dataclass(frozen=True)
class StorageOptions:
    """Whether stored files are encrypted."""

    encryption: str = option(
        "off",
        "Whether what is stored is encrypted: off, or key (with the storage key; the folder must be new).",
        choices=("off", "key"),
    )
    key_file: str = option(
        "",
        "The storage key: a file outside data_dir, or fd:N, an open descriptor; empty: FACETRACK_STORAGE_KEY, else the "
        "credential facetrack-storage of systemd.",
    )


@dataclass(frozen=True)
class Settings:
    """All settings of a robot. A group is a key in YAML and the first part of a parameter's name."""

    mesh: str = option("/facetrack", "Prefix of the topics that all robots share.")
    data_dir: str = option("", "Folder of all robots' data, one folder per robot; empty: ~/.local/share/facetrack.")
    autostart: bool = option(
        True, "Nodes configure and activate themselves; false: use `ros2 lifecycle set` or a lifecycle manager."
    )
    allow_remote_changes: bool = option(
        False,
        "Let every program of the network change settings that delete, silence or change what is recognised, and stop "
        "nodes by their lifecycle; false: they change with the settings file and a restart only.",
    )
    security: SecurityOptions = field(default_factory=SecurityOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)
    camera: CameraOptions = field(default_factory=CameraOptions)
    detector: DetectorOptions = field(default_factory=DetectorOptions)
    faces: FacesOptions = field(default_factory=FacesOptions)
    embedder: EmbedderOptions = field(default_factory=EmbedderOptions)
    face_tracking: FaceTrackingOptions = field(default_factory=FaceTrackingOptions)
    battery: BatteryOptions = field(default_factory=BatteryOptions)
    models: ModelsOptions = field(default_factory=ModelsOptions)
    recognition: RecognitionOptions = field(default_factory=RecognitionOptions)
    privacy: PrivacyOptions = field(default_factory=PrivacyOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    gallery: GalleryOptions = field(default_factory=GalleryOptions)
    frame_history: FrameHistoryOptions = field(default_factory=FrameHistoryOptions)
    clips: ClipsOptions = field(default_factory=ClipsOptions)
    sightings: SightingsOptions = field(default_factory=SightingsOptions)
    robot_pose: RobotPoseOptions = field(default_factory=RobotPoseOptions)
    event_logging: EventLoggingOptions = field(default_factory=EventLoggingOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    backtrack_search: BacktrackSearchOptions = field(default_factory=BacktrackSearchOptions)
    markers: MarkersOptions = field(default_factory=MarkersOptions)
    vision_msgs: VisionMsgsOptions = field(default_factory=VisionMsgsOptions)
    hri: HriOptions = field(default_factory=HriOptions)
