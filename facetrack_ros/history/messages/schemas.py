"""The messages of this package that are stored beside frames, for files that explain themselves."""

from functools import lru_cache

from facetrack_ros.history.messages import image as image_message

# The fields of msg/*.msg without their comments; a test holds the two together.
FIELDS = {
    "PersonEvent": """string PERSON_IN="PERSON_IN"
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
builtin_interfaces/Time last_seen
builtin_interfaces/Duration duration
string reference_face_id
string reference_name
bool watch
float32 similarity
string search_id
""",
    "Face": """float32[4] bbox
float32[10] landmarks
float32 confidence
float32 quality
string rejected
int32 person
float32[] embedding
""",
    "Track": """uint8 IDLE=0
uint8 TRACKING=1
uint8 LOST=2
string track_id
string person_id
uint8 state
float32[4] bbox
float32 confidence
Face[<=1] face
""",
    "Tracks": """std_msgs/Header header
string camera_id
uint64 frame_number
string model_id
Track[] tracks
""",
}
TRACKS = "facetrack_ros/msg/Tracks"
EVENT = "facetrack_ros/msg/PersonEvent"
_DURATION = "int32 sec\nuint32 nanosec\n"
_PARTS = {TRACKS: ("Track", "Face"), EVENT: ()}
_RULE = "=" * 80 + "\n"


def definition(type: str) -> str:
    """A type's fields with those of the types within it, as recordings carry them."""
    _, *common = image_message.DEFINITION.split(_RULE)
    parts = [f"MSG: facetrack_ros/{name}\n{FIELDS[name]}" for name in _PARTS[type]]
    if type == EVENT:
        parts.append(f"MSG: builtin_interfaces/Duration\n{_DURATION}")
    return _RULE.join([FIELDS[type.rpartition("/")[2]], *parts, *common])


@lru_cache(maxsize=1)
def typestore():
    """Reads and writes these messages in CDR."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.EMPTY)  # all types of ROS 2 would take 0.2 s, at a robot's first alert
    store.register(
        {name: fields for type in _PARTS for name, fields in get_types_from_msg(definition(type), type).items()}
    )
    return store
