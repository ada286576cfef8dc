"""The gate that refuses backs of heads and heads upside down: scores of faces and of what is none, and what it loses.

    python benchmarks/face_gate.py DATA_DIR [--plot FILE.png] [--faces FOLDER] [--step N] [--json FILE] [--model ID]

DATA_DIR holds ``clips``, ``images``, ``cases``, ``faces/att_faces`` (ORL) and ``tracking``. Faces: the four clips, the
photographs, a film of ten people, ORL as it is and rolled, blurred, small, dark and noisy, and the pictures of
``--faces``, a face in the middle of each. No faces: the people of one-by-one-person-detection.mp4, of whom none shows
it; torsos; textures. ``--step`` uses every N-th picture of ORL and ``--faces``. YuNet searches in persons, as where
a person model is, CenterFace in the whole frame, as where persons come from faces. Prints Markdown. Draws are seeded.
"""

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, ORL_PAD, ORL_UPSCALE, clip_frames, video_frames

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged
from facetrack_ros.vision.faces import person_matching
from facetrack_ros.vision.faces.quality import QualityGate, assess
from facetrack_ros.vision.faces.upright import UPSIDE_DOWN, turned
from facetrack_ros.vision.factory import build_for_measuring, build_pipeline, open_model, quality_gate
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

FACE_MODEL = "yunet_n_640_640"
FILM = "one-by-one-person-detection.mp4"
#: Limits of the second search that are tried, by face model.
LIMITS = {
    FACE_MODEL: (0.80, 0.82, 0.84, 0.85, 0.86, 0.87, 0.88, 0.90),
    "centerface": (0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75),
}
#: Face detector and embedder of the stacks.
STACKS = {
    "mobilefacenet": (FACE_MODEL, "mobilefacenet_foamliu"),
    "pip": ("centerface", "dlib_resnet_v1"),
    "dlib": ("dlib-hog", "dlib_resnet_v1"),
}
TEXTURES = ("brick", "coffee", "coins", "grass", "gravel", "page", "motorcycle_left", "motorcycle_right", "text")


@dataclass(frozen=True, eq=False)
class Found:
    """A detection of one group.

    :param score: the detector's; ``close``, ``turned``: those of its second search.
    :param reason: why the gate refuses it, or empty.
    """

    group: str
    is_face: bool
    score: float
    close: float
    turned: float
    reason: str


class Search:
    """Runs detector and gate over pictures.

    :param face_model: id of the face detector.
    """

    def __init__(self, face_model: str) -> None:
        settings = VisionSettings(face_model=face_model)
        self.pipeline = build_pipeline(settings)
        model, self._detector = open_model(face_model, "face", settings)
        self._whole = face_model != FACE_MODEL
        self.gate = quality_gate(settings, model.contract)

    def in_persons(self, image: np.ndarray) -> FaceDetections:
        """Faces in an image as the pipeline searches for them."""
        if self._whole:
            return self.everywhere(image)
        (persons,) = self.pipeline.detect([image])
        height, width = image.shape[:2]
        regions = person_matching.head_regions(persons.boxes, width, height)
        sizes = person_matching.smallest_faces(persons.boxes, self.gate.min_face_px)
        boxes, smallest = person_matching.merge_search_regions(regions, sizes, width, height)
        parts = zip(boxes.tolist(), smallest.tolist())
        return FaceDetections.joined(
            [self._detector.detect(image[y1:y2, x1:x2], size).shifted(x1, y1) for (x1, y1, x2, y2), size in parts]
        )

    def everywhere(self, image: np.ndarray) -> FaceDetections:
        """Faces anywhere in an image."""
        return self._detector.detect(image, self.gate.min_face_px)

    def rows(
        self, group: str, is_face: bool, images: Iterable[np.ndarray], find: Callable, middle: bool = False
    ) -> Iterator[Found]:
        """Detections in images that the other limits of the gate let pass.

        :param middle: whether only the detection nearest to the middle counts.
        """
        others = replace(self.gate, min_close_score=0.0)
        for image in images:
            found = find(image)
            rows = range(len(found))
            if middle and len(found):
                centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
                rows = [int(np.abs(centres - np.array(image.shape[1::-1]) / 2).sum(axis=1).argmin())]
            for row in rows:
                look = image, found.boxes[row], found.landmarks[row], float(found.scores[row])
                if assess(*look, others)[1]:
                    continue
                second = found.second_search(row)
                reason = assess(*look, self.gate, second)[1]
                yield Found(group, is_face, float(found.scores[row]), *second, reason)


def orl_pictures(data: Path, step: int) -> list[np.ndarray]:
    """ORL pictures, enlarged and padded."""
    enlarge = enlarged(ORL_UPSCALE, ORL_PAD)
    pictures = labelled_pictures(data / "faces" / "att_faces")
    return [enlarge(cv2.imread(str(path))) for _, path in pictures[::step]]


def rolled(image: np.ndarray, degrees: float) -> np.ndarray:
    """The image rotated within its own canvas."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def noisy(image: np.ndarray) -> np.ndarray:
    """The image with Gaussian noise of 25 grey levels."""
    noise = np.random.default_rng(0).normal(0, 25, image.shape)
    return (image.astype(np.float32) + noise).clip(0, 255).astype(np.uint8)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ORL": lambda image: image,
    "ORL, rolled by 30 degrees": lambda image: rolled(image, 30),
    "ORL, rolled by 45 degrees": lambda image: rolled(image, -45),
    "ORL, blurred by 3 px": lambda image: cv2.GaussianBlur(image, (0, 0), 3),
    "ORL, 30 px wide": lambda image: cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
    "ORL, at 15 % of its light": lambda image: cv2.convertScaleAbs(image, alpha=0.15),
    "ORL, with noise": noisy,
}


def photographs(data: Path) -> Iterator[np.ndarray]:
    """Photographs of the data folder and of installed packages."""
    yield from (cv2.imread(str(path)) for path in sorted((data / "images").glob("*.jpg")))
    for path in (package_file("skimage.data", "astronaut.png"), package_file("matplotlib", SAMPLE)):
        if path is not None:
            yield cv2.imread(str(path))


SAMPLE = "mpl-data/sample_data/grace_hopper.jpg"


def package_file(package: str, name: str) -> Path | None:
    """A file that an installed package ships; None where there is none."""
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / name if spec and spec.origin else None
    return path if path is not None and path.is_file() else None


def textures() -> Iterator[np.ndarray]:
    """Pictures without a face that scikit-image ships, at two sizes."""
    for name in TEXTURES:
        path = package_file("skimage.data", f"{name}.png")
        if path is not None:
            image = cv2.imread(str(path))
            yield image
            yield cv2.resize(image, None, fx=2, fy=2)


def torsos(data: Path, search: Search) -> Iterator[np.ndarray]:
    """The lower two thirds of persons, enlarged: clothes, prints, bags."""
    images = [cv2.imread(str(path)) for path in sorted((data / "images").glob("*.jpg"))]
    images += [cv2.imread(str(path)) for path in sorted((data / "tracking").rglob("*.jpg"))[::4]]
    for image in images:
        (persons,) = search.pipeline.detect([image])
        for x1, y1, x2, y2 in persons.boxes.astype(int).tolist():
            part = image[y1 + (y2 - y1) // 3 : y2, x1:x2]
            if min(part.shape[:2]) >= 16:
                yield cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)


def measure(search: Search, data: Path, faces: Path | None, step: int) -> list[Found]:
    """All detections of all groups."""
    rows = []
    for name in CLIPS:
        rows += search.rows(f"clip {name.removesuffix('.gif')}", True, clip_frames(data, name), search.in_persons)
    ten = data / "cases" / "films" / "ten_people_upright.mkv"
    rows += search.rows("film of ten people", True, list(video_frames(ten))[::2], search.in_persons)
    rows += search.rows("photographs", True, photographs(data), search.everywhere)
    orl = orl_pictures(data, step)
    for name, change in CHANGES.items():
        rows += search.rows(name, True, map(change, orl), search.everywhere)
    if faces:
        paths = sorted(path for path in faces.rglob("*") if path.suffix.lower() in (".jpg", ".png", ".pgm"))
        chosen = np.random.default_rng(0).permutation(len(paths))[: 3000 // step]
        pictures = (cv2.imread(str(paths[row])) for row in chosen)
        rows += search.rows(f"{faces.name}", True, pictures, search.everywhere, middle=True)
    rows += search.rows(f"clip {FILM}", False, clip_frames(data, FILM), search.in_persons)
    rows += search.rows("torsos", False, torsos(data, search), search.everywhere)
    rows += search.rows("textures", False, textures(), search.everywhere)
    return rows


def group_table(rows: list[Found]) -> list[dict[str, Any]]:
    """Scores and refusals of each group."""
    result = []
    for group in dict.fromkeys(row.group for row in rows):
        mine = [row for row in rows if row.group == group]
        score, close = (np.array([getattr(row, name) for row in mine]) for name in ("score", "close"))
        result.append(
            {
                "group": group,
                "face": mine[0].is_face,
                "found": len(mine),
                "score": np.quantile(score, (0, 0.5, 1)).tolist(),
                "close": np.quantile(np.nan_to_num(close), (0, 0.01, 0.5, 1)).tolist(),
                "refused": sum(bool(row.reason) and row.reason != UPSIDE_DOWN for row in mine),
                "upside_down": sum(row.reason == UPSIDE_DOWN for row in mine),
            }
        )
    return result


def limit_table(rows: list[Found], limits: tuple[float, ...], usual: QualityGate) -> list[dict[str, float]]:
    """Share of faces lost and number of others let pass, by ``faces.min_close_score``."""
    result = []
    for limit in limits:
        gate = replace(usual, min_close_score=limit)
        passed = [not refused(row, gate) for row in rows]
        faces = [ok for row, ok in zip(rows, passed) if row.is_face]
        result.append(
            {
                "limit": limit,
                "faces": len(faces),
                "lost": faces.count(False),
                "others": len(rows) - len(faces),
                "passed": sum(ok for row, ok in zip(rows, passed) if not row.is_face),
            }
        )
    return result


def refused(row: Found, gate: QualityGate) -> bool:
    """Whether the gate with another limit refuses a detection that its other limits let pass."""
    image, box = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8), np.array([20, 20, 80, 80])
    landmarks = np.array([[35, 40], [65, 40], [50, 55], [38, 70], [62, 70]], float)
    return bool(assess(image, box, landmarks, row.score, gate, (row.close, row.turned))[1])


def turned_pairs(data: Path, step: int) -> list[dict[str, Any]]:
    """ORL turned by quarter turns: faces that pass the gate, and their pairs of two people above the threshold."""
    pictures = labelled_pictures(data / "faces" / "att_faces")[::step]
    enlarge, result = enlarged(ORL_UPSCALE, ORL_PAD), []
    for stack, (face_model, embedder) in STACKS.items():
        settings = VisionSettings(person_model=FROM_FACES, face_model=face_model, embedder=embedder)
        pipeline = build_for_measuring(settings)
        upright = embed_pictures(pipeline, pictures, enlarge)
        for degrees in (0, 90, 180, 270):
            found = embed_pictures(pipeline, pictures, lambda picture, d=degrees: turned(enlarge(picture), d))
            pairs = {}
            for name, other in (("each other", found), ("upright", upright)):
                if not len(found.people):
                    pairs[name] = (0, 0)
                    continue
                alike = found.embeddings @ other.embeddings.T
                two = found.people[:, None] != other.people[None]
                pairs[name] = int((alike[two] >= pipeline.contract.threshold).sum()), int(two.sum())
            reasons = [why for _, why in found.rejected]
            result.append(
                {
                    "stack": stack,
                    "degrees": degrees,
                    "pictures": found.pictures,
                    "found": found.found,
                    "upside_down": sum(why == UPSIDE_DOWN for why in reasons),
                    "refused": len(reasons) - sum(why == UPSIDE_DOWN for why in reasons),
                    "passed": len(found.people),
                    "matches": pairs,
                }
            )
    return result


def draw(rows: list[Found], gate: QualityGate, path: Path) -> None:
    """Scores of faces and of others, and the gate."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 6.2), dpi=100, facecolor="white")
    left, right = figure.subplots(1, 2, gridspec_kw={"left": 0.06, "right": 0.98, "top": 0.9, "wspace": 0.16})
    lowest = 0.6 if min(row.score for row in rows) >= 0.6 else 0.3
    colours = {True: "#0f6b57", False: "#b23a2e"}
    names = {True: "faces", False: "backs of heads, profiles from behind, torsos, textures"}
    for is_face in (True, False):
        mine = [row for row in rows if row.is_face == is_face]
        close = np.nan_to_num([row.close for row in mine])
        left.scatter([row.score for row in mine], close, s=10, alpha=0.5, color=colours[is_face], label=names[is_face])
        limits = np.linspace(0.5, 0.95, 181)
        passed = [(close >= limit).mean() for limit in limits]
        right.plot(limits, passed, color=colours[is_face], linewidth=2, label=f"{names[is_face]}: {len(mine)}")
    least, step = gate.min_close_score, gate.unsure_score
    left.plot([0, step, step, 1], [least + gate.unsure_more] * 2 + [least] * 2, color="#2458a6")
    left.text(lowest + 0.01, gate.min_close_score + 0.045, "the gate", color="#2458a6")
    left.set(xlabel="detector's score", ylabel="score of the second search", xlim=(lowest, 1), ylim=(-0.02, 1))
    right.axvline(gate.min_close_score, color="#2458a6")
    right.set(xlabel="limit of the second search", ylabel="share that passes", ylim=(0, 1.02))
    for axes in (left, right):
        axes.legend(loc="lower right" if axes is left else "center left", fontsize=9)
        axes.grid(color="#e3e7ec")
    figure.suptitle("Faces and what is none, by the two searches of the face detector", x=0.06, ha="left")
    figure.savefig(path)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--plot", type=Path, help="draw the scores")
    parser.add_argument("--faces", type=Path, help="further pictures of faces")
    parser.add_argument("--model", choices=LIMITS, default=FACE_MODEL, help="the face detector")
    parser.add_argument("--step", type=int, default=1)
    arguments = parse(parser)
    cv2.setNumThreads(1)
    search = Search(arguments.model)
    rows = measure(search, arguments.data, arguments.faces, arguments.step)
    groups, limits = group_table(rows), limit_table(rows, LIMITS[arguments.model], search.gate)
    print("## Scores\n\nDetections that pass the gate's other limits.\n")
    head = (
        "",
        "found",
        "score: least, median, most",
        "second search: least, 1 %, median, most",
        "refused",
        UPSIDE_DOWN,
    )
    print(
        markdown_table(
            head,
            [
                (
                    f"{'' if row['face'] else 'no faces: '}{row['group']}",
                    row["found"],
                    ", ".join(f"{value:.2f}" for value in row["score"]),
                    ", ".join(f"{value:.2f}" for value in row["close"]),
                    row["refused"],
                    row["upside_down"],
                )
                for row in groups
            ],
        )
    )
    print("\n## Limits\n")
    head = ("faces.min_close_score", "faces lost", "others that pass")
    print(
        markdown_table(
            head,
            [
                (
                    f"{row['limit']:.2f}",
                    f"{row['lost']} of {row['faces']} ({row['lost'] / row['faces']:.2%})",
                    f"{row['passed']} of {row['others']}",
                )
                for row in limits
            ],
        )
    )
    pairs = turned_pairs(arguments.data, arguments.step)
    print("\n## ORL turned\n")
    head = (
        "stack",
        "clockwise",
        "found",
        UPSIDE_DOWN,
        "otherwise refused",
        "pass",
        "pairs of two people above the threshold",
    )
    print(
        markdown_table(
            head,
            [
                (
                    row["stack"],
                    row["degrees"],
                    f"{row['found']} of {row['pictures']}",
                    row["upside_down"],
                    row["refused"],
                    row["passed"],
                    ", ".join(f"{name} {matches} of {count}" for name, (matches, count) in row["matches"].items()),
                )
                for row in pairs
            ],
        )
    )
    if arguments.plot:
        draw(rows, search.gate, arguments.plot)
    write_json(arguments.json, {"groups": groups, "limits": limits, "turned": pairs})


if __name__ == "__main__":
    main()
