"""Types and definitions of the stored messages, so that recordings describe themselves."""

from functools import lru_cache

IMAGE = "sensor_msgs/msg/CompressedImage"
VIDEO = "foxglove_msgs/msg/CompressedVideo"
TRACKS = "facetrack_ros/msg/Tracks"
EVENT = "facetrack_ros/msg/PersonEvent"

#: Fields of each type; those of this package as in msg/*.msg without the comments, which a test checks.
FIELDS = {
    "builtin_interfaces/Duration": "int32 sec\nuint32 nanosec\n",
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec\n",
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id\n",
    "sensor_msgs/CompressedImage": "std_msgs/Header header\nstring format\nuint8[] data\n",
    "foxglove_msgs/CompressedVideo": """builtin_interfaces/Time timestamp
string frame_id
uint8[] data
string format
""",
    "facetrack_ros/PersonEvent": """string PERSON_IN="PERSON_IN"
string PERSON_OUT="PERSON_OUT"
string FACE_MATCHED="FACE_MATCHED"
std_msgs/Header header
string event
string robot_id
string camera_id
string person_id
uint64 frame_number
float32[4] bbox
float32 confidence
string reason
builtin_interfaces/Time last_seen
builtin_interfaces/Duration duration
string reference_face_id
string reference_name
bool watch
float32 similarity
string search_id
""",
    "facetrack_ros/Face": """float32[4] bbox
float32[10] landmarks
float32 confidence
float32 quality
string rejected
int32 person
float32[] embedding
""",
    "facetrack_ros/Track": """uint8 IDLE=0
uint8 TRACKING=1
uint8 LOST=2
string track_id
string person_id
uint8 state
float32[4] bbox
float32 confidence
Face[<=1] face
""",
    "facetrack_ros/Tracks": """std_msgs/Header header
string camera_id
uint64 frame_number
string model_id
Track[] tracks
""",
}
#: Each stored type with the types that its definition names, in the order in which recordings list them.
PARTS = {
    IMAGE: ("std_msgs/Header", "builtin_interfaces/Time"),
    VIDEO: ("builtin_interfaces/Time",),
    TRACKS: ("facetrack_ros/Track", "facetrack_ros/Face", "std_msgs/Header", "builtin_interfaces/Time"),
    EVENT: ("builtin_interfaces/Duration", "std_msgs/Header", "builtin_interfaces/Time"),
}


@lru_cache
def definition(type: str) -> str:
    """A type's fields followed by those of the types in it, in the form of MCAP's ``ros2msg`` schemas."""
    parts = (f"MSG: {name}\n{FIELDS[name]}" for name in PARTS[type])
    return ("=" * 80 + "\n").join([FIELDS[type.replace("/msg", "")], *parts])
