"""Portraits that a search refuses for a second face, by how many times as wide the widest face has to be.

    python benchmarks/reference_faces.py PICTURES_DIR [--most N] [--json FILE]

PICTURES_DIR: pictures at any depth, of one person each with bystanders, such as Labeled Faces in the Wild. Prints
Markdown: the share of pictures with a face that are refused, and the share whose widest face is not the one nearest to
the centre, which in press portraits is the person meant.
"""

from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, write_json

from facetrack_ros.vision.evaluation.face_dataset import PICTURES
from facetrack_ros.vision.faces.reference import BYSTANDER, CERTAIN
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

RATIOS = (1 / BYSTANDER, 3.0, 2.0, 1.75, 1.5, 1.25, 1.1)


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("pictures", type=Path, metavar="PICTURES_DIR")
    parser.add_argument("--most", type=int, default=1000, metavar="N", help="most pictures, evenly out of all")
    arguments = parser.parse_args()
    settings = VisionSettings()
    detector = open_model(settings.face_model, "face", settings)[1]
    paths = sorted(path for path in arguments.pictures.rglob("*") if path.suffix.lower() in PICTURES)
    rows = np.unique(np.linspace(0, len(paths) - 1, min(arguments.most, len(paths))).round().astype(int))
    found = [each for each in (lead(detector, paths[row]) for row in rows) if each is not None]
    ratios, central = np.array([ratio for ratio, _ in found]), np.array([middle for _, middle in found])
    print(f"{len(found)} pictures with a face, {np.isfinite(ratios).sum()} with several\n")
    table = [
        (f"{ratio:g}", f"{(ratios < ratio).mean():.1%}", f"{(~central & (ratios >= ratio)).sum()}") for ratio in RATIOS
    ]
    print(
        markdown_table(("times as wide as the next", "refused", "taken, but not the face nearest to the centre"), table)
    )
    write_json(arguments.json, {"pictures": len(found), "rows": table})


def lead(detector, path: Path) -> tuple[float, bool] | None:
    """How many times as wide the widest face is as the next, and whether it is the one nearest to the centre."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    faces = detector.detect(image, max(image.shape[:2]) / 12)
    boxes = faces.boxes[faces.scores >= CERTAIN]
    if not len(boxes):
        return None
    widths = boxes[:, 2] - boxes[:, 0]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array(image.shape[1::-1]) / 2
    second = np.sort(widths)[-2] if len(widths) > 1 else 0.0
    return float(widths.max() / second) if second else np.inf, bool(
        widths.argmax() == (middles**2).sum(axis=1).argmin()
    )


if __name__ == "__main__":
    main()
