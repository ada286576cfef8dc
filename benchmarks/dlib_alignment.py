"""dlib's embedder by the landmarks of each face detector, beside faces that dlib's own five points align.

    python benchmarks/dlib_alignment.py DATA_DIR [--step N] [--widths PX …] [--json FILE]

DATA_DIR holds ``faces/att_faces`` (ORL, 40 people) and ``clips``. Needs the library dlib. For each detector: where its
landmarks lie, medians, once dlib's points bring the face onto the network's input; pairs of one person found at a
false-match rate, among its own vectors and between these and dlib's; the most alike pair of two people, on ORL and in
the clips. Then the same by the width of a face, ORL scaled down. ``--step`` uses every N-th picture. Prints Markdown.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, ORL_PAD, ORL_UPSCALE, clip_frames, person_in_zone

from facetrack_ros.core.face import Face
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.dlib_face import DlibFaceEmbedder
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX, dlib_network_as_onnx
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import enlarged, subject_face
from facetrack_ros.vision.evaluation.verification import pair_similarities, threshold_at, true_accept_rate
from facetrack_ros.vision.faces.alignment import similarity_transform
from facetrack_ros.vision.faces.dlib_detector import import_dlib
from facetrack_ros.vision.faces.quality import assess
from facetrack_ros.vision.factory import open_model, quality_gate
from facetrack_ros.vision.inference.onnx_vectors import OnnxVectorModel
from facetrack_ros.vision.settings import VisionSettings

DETECTORS = ("dlib-hog", "centerface", "yunet_n_640_640")
#: Share of a face's size that dlib adds on each side, as in the network's training.
CHIP_PADDING = 0.25
#: dlib's five points on such a picture: left eye outer and inner, right eye outer and inner, nose; from dlib's source,
#: ``get_face_chip_details`` in ``image_transforms/interpolation.h``.
POINTS = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
CHIP_POINTS = (POINTS + CHIP_PADDING) / (1 + 2 * CHIP_PADDING) * INPUT_PX
RATES = (1e-2, 1e-3, 1e-4)


class OwnAlignment:
    """The embedder as dlib itself aligns faces."""

    def __init__(self) -> None:
        self._dlib = import_dlib()
        network = resolve("dlib_resnet_v1")
        self._network = OnnxVectorModel(network.file, network.contract, 1, dlib_network_as_onnx)
        self._predictor = self._dlib.shape_predictor(str(resolve("dlib_landmarks_5").file))

    def embed(self, image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
        """The vector of a face, and the map from the image to the network's input."""
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        x1, y1, x2, y2 = (float(value) for value in face.bbox)
        half = max(x2 - x1, (x2 - x1 + y2 - y1) / 2) / 2
        x, y = (x1 + x2) / 2, y2 - half
        square = self._dlib.rectangle(round(x - half), round(y - half), round(x + half), round(y + half))
        shape = self._predictor(rgb, square)
        chip = self._dlib.get_face_chip(rgb, shape, INPUT_PX, CHIP_PADDING)
        points = np.array([(point.x, point.y) for point in shape.parts()], float)
        vector = self._network(chip.transpose(2, 0, 1)[None].astype(np.float32))
        return l2_normalized(vector)[0], similarity_transform(points, CHIP_POINTS)


@dataclass(frozen=True, eq=False)
class Seen:
    """Faces of labelled pictures.

    :param people: ``(n,)``; ``widths``: ``(n,)`` pixels; ``vectors``, ``own``: ``(n, 128)``, by the detector's
        landmarks and by dlib's; ``landmarks``: ``(n, 5, 2)`` pixels of the network's input as dlib's points align it.
    """

    people: np.ndarray
    widths: np.ndarray
    vectors: np.ndarray
    own: np.ndarray
    landmarks: np.ndarray


class Measurement:
    """One detector with the embedder."""

    def __init__(self, detector: str, own: OwnAlignment) -> None:
        settings = VisionSettings()
        model, self._detector = open_model(detector, "face", settings)
        self._gate = quality_gate(settings, model.contract)
        network = resolve("dlib_resnet_v1")
        self._embedder, self._own = DlibFaceEmbedder(network.file, network.contract), own

    def faces(self, image: np.ndarray, min_face_px: float) -> list[Face]:
        """Faces that the quality gate lets pass."""
        found, passed = self._detector.detect(image, min_face_px), []
        for row in range(len(found)):
            box, points, score = found.boxes[row], found.landmarks[row], float(found.scores[row])
            quality, reason = assess(image, box, points, score, self._gate, found.second_search(row))
            passed += [] if reason else [Face(box, points, score, quality)]
        return passed

    def seen(self, faces: list[tuple[str, np.ndarray, Face]]) -> Seen:
        """Vectors of the faces of ``(person, image, face)``."""
        rows = []
        for person, image, face in faces:
            own, matrix = self._own.embed(image, face)
            vector = self._embedder.embed(image, [face])[0]
            width = float(face.bbox[2] - face.bbox[0])
            rows.append((person, width, vector, own, face.landmarks @ matrix[:, :2].T + matrix[:, 2]))
        return Seen(*(np.array(column) for column in zip(*rows)))


def orl_faces(
    measurement: Measurement, data: Path, step: int, scale: float = 1.0
) -> list[tuple[str, np.ndarray, Face]]:
    """A face of each ORL picture in which one is found."""
    enlarge, faces = enlarged(ORL_UPSCALE, ORL_PAD), []
    for person, path in labelled_pictures(data / "faces" / "att_faces")[::step]:
        image = cv2.resize(enlarge(cv2.imread(str(path))), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        face = subject_face(measurement.faces(image, 60 * scale), image.shape)
        faces += [] if face is None else [(person, image, face)]
    return faces


def clip_faces(measurement: Measurement, data: Path, step: int) -> list[tuple[str, np.ndarray, Face]]:
    """The faces of every N-th frame of the clips."""
    return [
        (person_in_zone(face.bbox, zones), frame, face)
        for name, zones in CLIPS.items()
        for frame in list(clip_frames(data, name))[::step]
        for face in measurement.faces(frame, 24)
    ]


def highest_of_two(people: np.ndarray, vectors: np.ndarray) -> float:
    """The highest cosine of two people's faces."""
    return float((vectors @ vectors.T)[people[:, None] != people[None]].max())


def found_at(people: np.ndarray, vectors: np.ndarray, others: np.ndarray | None = None) -> list[float]:
    """Share of the pairs of one person found at each of the rates; with other vectors of the same faces: of both."""
    if others is None:
        genuine, impostor, _ = pair_similarities(vectors, people)
    else:
        alike, same = vectors @ others.T, people[:, None] == people[None]
        genuine, impostor = alike[same & ~np.eye(len(people), dtype=bool)], alike[~same]
    return [true_accept_rate(genuine, threshold_at(impostor, rate)) for rate in RATES]


def measure(detector: str, own: OwnAlignment, data: Path, step: int, widths: list[float]) -> dict:
    """All numbers of one detector."""
    measurement = Measurement(detector, own)
    orl = measurement.seen(orl_faces(measurement, data, step))
    clips = measurement.seen(clip_faces(measurement, data, 2 * step))
    by_width = []
    usual = float(np.median(orl.widths))
    for width in widths:
        small = measurement.seen(orl_faces(measurement, data, step, width / usual))
        by_width.append(
            {
                "width": width,
                "faces": len(small.people),
                "found": found_at(small.people, small.vectors),
                "highest_of_two": highest_of_two(small.people, small.vectors),
            }
        )
    return {
        "faces": len(orl.people),
        "landmarks": np.round(np.median(orl.landmarks, axis=0), 1).tolist(),
        "found": found_at(orl.people, orl.vectors),
        "found_own": found_at(orl.people, orl.own),
        "found_between": found_at(orl.people, orl.vectors, orl.own),
        "cosine": np.quantile((orl.vectors * orl.own).sum(axis=1), (0.05, 0.5)).tolist(),
        "highest_of_two": highest_of_two(orl.people, orl.vectors),
        "clip_faces": len(clips.people),
        "narrowest": float(clips.widths.min()),
        "clips_highest_of_two": highest_of_two(clips.people, clips.vectors),
        "widths": by_width,
    }


def print_tables(results: dict[str, dict]) -> None:
    """Print all numbers as Markdown."""
    head = ("faces by", "ORL faces", *(f"found at {rate:g}" for rate in RATES), "most alike of two", "in the clips")
    rows = []
    for name, row in results.items():
        for way, key in (("its landmarks", "found"), ("dlib's points", "found_own"), ("one of each", "found_between")):
            own = key == "found"
            rows.append(
                (
                    f"{name}, {way}",
                    row["faces"],
                    *(f"{share:.4f}" for share in row[key]),
                    f"{row['highest_of_two']:.3f}" if own else "",
                    f"{row['clips_highest_of_two']:.3f} of {row['clip_faces']} faces" if own else "",
                )
            )
    print(markdown_table(head, rows))
    print(
        "\nMedian landmarks where dlib's points align the face, pixels of the input, and the cosine of both vectors:\n"
    )
    head = (
        "faces by",
        "right eye",
        "left eye",
        "nose",
        "right mouth corner",
        "left mouth corner",
        "cosine, 5 %, median",
    )
    print(
        markdown_table(
            head,
            [
                (
                    name,
                    *(", ".join(map(str, point)) for point in row["landmarks"]),
                    "{:.3f}, {:.3f}".format(*row["cosine"]),
                )
                for name, row in results.items()
            ],
        )
    )
    print("\nBy the width of a face:\n")
    head = ("faces by", "px wide", "faces", *(f"found at {rate:g}" for rate in RATES), "most alike of two")
    print(
        markdown_table(
            head,
            [
                (
                    name,
                    f"{row['width']:g}",
                    row["faces"],
                    *(f"{share:.4f}" for share in row["found"]),
                    f"{row['highest_of_two']:.3f}",
                )
                for name, result in results.items()
                for row in result["widths"]
            ],
        )
    )


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=DETECTORS)
    parser.add_argument("--widths", nargs="*", type=float, default=[24, 32, 40, 48, 64])
    arguments = parse(parser)
    own = OwnAlignment()
    results = {
        name: measure(name, own, arguments.data, arguments.step, arguments.widths) for name in arguments.detectors
    }
    print_tables(results)
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
