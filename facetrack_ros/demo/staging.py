"""Makes clips in which people enter, cross and leave at known times, from photographs in pip packages.

The two people are Eileen Collins (NASA, 1999) and Grace Hopper (U.S. Navy, 1984): both portraits are in the public
domain. Each clip is a painted corridor through which their cut-outs walk.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.pictures.decoding import load_picture
from facetrack_ros.errors import FrameError, SourceError

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 10, 17
SEED = 7
# Width of a face in the clips, pixels.
FACE_PX = 74


@dataclass(frozen=True)
class Portrait:
    """A photograph and the position of the person in it.

    :param package: pip package of the file.
    :param path: of the file in the package.
    :param crop: the person, ``x1, y1, x2, y2`` in pixels of the photograph.
    :param face: the face, likewise.
    """

    name: str
    package: str
    path: str
    crop: tuple[int, int, int, int]
    face: tuple[int, int, int, int]


PORTRAITS = (
    Portrait("Eileen Collins", "skimage", "data/astronaut.png", (30, 0, 450, 512), (170, 62, 276, 186)),
    Portrait(
        "Grace Hopper", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", (10, 15, 512, 606), (196, 70, 330, 250)
    ),
)


@dataclass(frozen=True)
class Walk:
    """A person's staged visit to one camera: from one edge of the picture to the other.

    :param person: name of the portrait.
    :param start_s: when the cut-out enters the image, seconds from the clip's start.
    :param end_s: when it has left the image.
    :param leftwards: direction.
    """

    robot: str
    camera: str
    person: str
    start_s: float
    end_s: float
    leftwards: bool = False


# Two people pass robot1 together, then one passes robot2 and the other robot1's second camera.
WALKS = (
    Walk("robot1", "front", "Eileen Collins", 0.5, 9.5),
    Walk("robot1", "front", "Grace Hopper", 1.5, 10.5, leftwards=True),
    Walk("robot1", "rear", "Grace Hopper", 8.5, 16.5),
    Walk("robot2", "front", "Eileen Collins", 8.0, 16.0, leftwards=True),
)


@dataclass(frozen=True)
class StagedVisit:
    """The ground truth of one visit: first and last moments, in seconds from the clip's start.

    :param body_s: in which any part of the person is in the image.
    :param half_s: in which half of the body's width is.
    :param face_s: in which the whole face is.
    """

    robot: str
    camera: str
    person: str
    body_s: tuple[float, float]
    half_s: tuple[float, float]
    face_s: tuple[float, float]


@dataclass(frozen=True)
class Stage:
    """The staged clips and the truth about them.

    :param clips: video file by robot and camera.
    :param references: reference picture by person.
    """

    clips: dict[tuple[str, str], Path]
    references: dict[str, Path]
    visits: tuple[StagedVisit, ...]


def make_stage(folder: Path) -> Stage:
    """Write the clips and the reference pictures.

    :raises SourceError: a photograph's package is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cutouts = {portrait.name: _Cutout(portrait) for portrait in PORTRAITS}
    clips = {}
    for seed, (robot, camera) in enumerate(dict.fromkeys((walk.robot, walk.camera) for walk in WALKS)):
        walks = [walk for walk in WALKS if (walk.robot, walk.camera) == (robot, camera)]
        clips[robot, camera] = folder / f"{robot}_{camera}.mp4"
        _write_clip(clips[robot, camera], _corridor(SEED + seed), [(walk, cutouts[walk.person]) for walk in walks])
    references = {}
    for name, cutout in cutouts.items():
        references[name] = folder / f"reference_{name.split()[-1].lower()}.jpg"
        cv2.imwrite(str(references[name]), cutout.reference())
    return Stage(clips, references, tuple(_truth(walk, cutouts[walk.person]) for walk in WALKS))


def load_portrait(portrait: Portrait) -> np.ndarray:
    """The photograph, ``(height, width, 3)`` uint8 BGR, without importing the package that ships it.

    :raises SourceError: the package or the file is not there.
    """
    found = importlib.util.find_spec(portrait.package)
    path = Path(found.origin).parent / portrait.path if found and found.origin else None
    try:
        return load_picture(path or Path(portrait.path))
    except FrameError as error:
        advice = "pip install facetrack_ros[demo]"
        raise SourceError(f"the demo's photograph of {portrait.name} is missing: {advice}") from error


def cutout_span(walk: Walk, seconds: float) -> tuple[float, float]:
    """Left and right edge of the person in the image, pixels."""
    cutout = _Cutout(next(portrait for portrait in PORTRAITS if portrait.name == walk.person))
    left = float(_left_edge(walk, cutout, seconds))
    return max(0.0, left), min(float(WIDTH), left + cutout.width)


class _Cutout:
    """A person cut out of their photograph, at the size they have in the clips."""

    def __init__(self, portrait: Portrait):
        self._photograph, self._face = load_portrait(portrait), portrait.face
        x1, y1, x2, y2 = portrait.crop
        scale = FACE_PX / (portrait.face[2] - portrait.face[0])
        crop = self._photograph[y1:y2, x1:x2]
        size = (round((x2 - x1) * scale), round((y2 - y1) * scale))
        self.image = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        mask = _person_mask(crop, np.subtract(portrait.face, (x1, y1, x1, y1)))
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        self.alpha = cv2.GaussianBlur(mask, (0, 0), 1.2).astype(np.float32)[..., None]
        self.face_x = ((portrait.face[0] - x1) * scale, (portrait.face[2] - x1) * scale)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.image.shape[1]

    def reference(self) -> np.ndarray:
        """A reference picture from the photograph: smaller, tilted, darker and softer than in the clips."""
        x1, y1, x2, y2 = self._face
        centre, side = ((x1 + x2) / 2, (y1 + y2) / 2), 2.2 * (y2 - y1)
        turn = cv2.getRotationMatrix2D(centre, 6, 160 / side)
        turn[:, 2] += np.subtract((80, 80), centre)
        border = cv2.BORDER_REPLICATE
        picture = cv2.warpAffine(self._photograph, turn, (160, 160), flags=cv2.INTER_AREA, borderMode=border)
        return cv2.GaussianBlur(cv2.convertScaleAbs(picture, alpha=0.85, beta=-6), (0, 0), 0.7)


def _person_mask(crop: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Mask of the person, ``(height, width)`` float32, 0 to 1."""
    width = crop.shape[1]
    mask: np.ndarray = np.full(crop.shape[:2], cv2.GC_PR_BGD, np.uint8)
    x1, y1, x2, y2 = (int(value) for value in face)
    face_width, face_height = x2 - x1, y2 - y1
    neck = y2 + face_height // 6
    mask[max(0, y1 - face_height // 2) : neck, max(0, x1 - face_width // 3) : x2 + face_width // 3] = cv2.GC_PR_FGD
    mask[neck:, :] = cv2.GC_PR_FGD
    mask[y1:y2, x1:x2] = cv2.GC_FGD
    mask[neck + face_height // 2 :, x1:x2] = cv2.GC_FGD
    mask[: max(2, y1 - face_height // 2)] = cv2.GC_BGD
    mask[:neck, : max(2, x1 - face_width // 3)] = cv2.GC_BGD
    mask[:neck, min(width - 2, x2 + face_width // 3) :] = cv2.GC_BGD
    cv2.setRNGSeed(SEED)
    cv2.grabCut(crop, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def _left_edge(walk: Walk, cutout: _Cutout, seconds: float | np.ndarray):
    """The cut-out's left edge, pixels: just outside the image at both ends of the walk, constant speed between."""
    progress = (seconds - walk.start_s) / (walk.end_s - walk.start_s)
    progress = 1 - progress if walk.leftwards else progress
    return -cutout.width + progress * (WIDTH + cutout.width)


def _truth(walk: Walk, cutout: _Cutout) -> StagedVisit:
    seconds = np.arange(SECONDS * FPS) / FPS
    left = _left_edge(walk, cutout, seconds)
    during = (seconds > walk.start_s) & (seconds < walk.end_s)
    centre = left + cutout.width / 2
    spans = (
        seconds[during],
        seconds[during & (centre >= 0) & (centre <= WIDTH)],
        seconds[during & (left + cutout.face_x[0] >= 0) & (left + cutout.face_x[1] <= WIDTH)],
    )
    return StagedVisit(walk.robot, walk.camera, walk.person, *((float(span[0]), float(span[-1])) for span in spans))


def _write_clip(path: Path, background: np.ndarray, walks: list[tuple[Walk, _Cutout]]) -> None:
    import av

    grain = np.random.default_rng(SEED).normal(0, 1.5, (HEIGHT, 2 * WIDTH, 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "21", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(SECONDS * FPS):
            picture = background.copy()
            for walk, cutout in walks:
                if walk.start_s < number / FPS < walk.end_s:
                    _paste(picture, cutout, round(_left_edge(walk, cutout, number / FPS)))
            picture += grain[:, 37 * number % WIDTH :][:, :WIDTH]
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _paste(picture: np.ndarray, cutout: _Cutout, left: int) -> None:
    top = HEIGHT - cutout.image.shape[0] if cutout.image.shape[0] < HEIGHT else 20
    x1, x2, y2 = max(0, left), min(WIDTH, left + cutout.width), min(HEIGHT, top + cutout.image.shape[0])
    if x1 >= x2:
        return
    part = np.s_[: y2 - top, x1 - left : x2 - left]
    alpha = cutout.alpha[part]
    picture[top:y2, x1:x2] = alpha * cutout.image[part] + (1 - alpha) * picture[top:y2, x1:x2]


def _corridor(seed: int) -> np.ndarray:
    """A painted room, ``(HEIGHT, WIDTH, 3)`` float32 BGR: wall, floor, a door and two framed pictures."""
    random = np.random.default_rng(seed)
    tint = random.uniform(0.92, 1.08, 3)
    rows = np.linspace(0, 1, HEIGHT)[:, None, None]
    room = (np.array((196, 204, 208)) * (1.05 - 0.25 * rows) * tint).repeat(WIDTH, 1).astype(np.float32)
    floor = 285
    room[floor:] = np.array((104, 122, 138)) * (1.15 - 0.4 * rows[floor:]) * tint
    cv2.line(room, (0, floor), (WIDTH, floor), (120, 128, 132), 5, cv2.LINE_AA)
    door = int(random.integers(60, 480))
    cv2.rectangle(room, (door, 90), (door + 92, floor), (120, 140, 158), cv2.FILLED)
    cv2.rectangle(room, (door, 90), (door + 92, floor), (96, 112, 128), 3, cv2.LINE_AA)
    cv2.circle(room, (door + 80, 195), 4, (60, 70, 80), cv2.FILLED, cv2.LINE_AA)
    for left in ((door + 180) % 560, (door + 340) % 560):
        cv2.rectangle(room, (left, 70), (left + 70, 128), (88, 92, 98), cv2.FILLED)
        cv2.rectangle(room, (left + 5, 75), (left + 65, 123), tuple(random.uniform(90, 220, 3)), cv2.FILLED)
    room += cv2.GaussianBlur(random.normal(0, 14, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 6)[..., None] * 2
    return room
