"""The models this package knows, one contract each."""

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.contract import ModelContract

_GITHUB = "https://raw.githubusercontent.com"
_GITHUB_LFS = "https://media.githubusercontent.com/media"
_DLIB_FILES = "face_recognition_models:models"

YOLOX_NANO = ModelContract(
    id="yolox_nano", task="person", file="yolox_nano.onnx", size=3660092,
    sha256="695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14", licence="Apache-2.0",
    url=f"{_GITHUB}/Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
    input_size=(416, 416), note="COCO's 80 classes, of which persons are used; output not decoded")

YOLOX_NANO_RELEASE = ModelContract(
    id="yolox_nano_release", task="person", file="yolox_nano_release.onnx", size=3659407,
    sha256="c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d", licence="Apache-2.0",
    url="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
    input_size=(416, 416), note="the same network as its authors released it")

YUNET_N = ModelContract(
    id="yunet_n_640_640", task="face", file="yunet_n_640_640.onnx", size=317466,
    sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31", licence="Apache-2.0",
    url=f"{_GITHUB}/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_640_640.onnx",
    note="any input size; its landmarks follow a rolled head")

YUNET_2023MAR = ModelContract(
    id="face_detection_yunet_2023mar", task="face", file="face_detection_yunet_2023mar.onnx", size=232589,
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", licence="MIT",
    url=f"{_GITHUB_LFS}/opencv/opencv_zoo/master/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    note="any input size; smaller, its landmarks hardly follow a rolled head")

DLIB_HOG = ModelContract(
    id="dlib-hog", task="face", file="", sha256="", size=0, licence="BSL-1.0", package="dlib",
    note="part of the dlib library, no file; frontal faces from 80 px up in its input")

DLIB_LANDMARKS = ModelContract(
    id="dlib_landmarks_5", task="landmarks", file="shape_predictor_5_face_landmarks.dat", size=9150489,
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888", licence="CC0-1.0",
    package=f"{_DLIB_FILES}/shape_predictor_5_face_landmarks.dat", note="eye corners and base of the nose")

MOBILEFACENET = ModelContract(
    id="mobilefacenet_foamliu", task="embedding", file="mobilefacenet_foamliu.onnx", size=3998070,
    sha256="b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507", licence="Apache-2.0",
    url=f"{_GITHUB}/foamliu/MobileFaceNet/a6cc9032a659b615f477833e1a70b5e7931bcccc/weights/MobileFaceNet.onnx",
    input_size=(112, 112), colour="RGB", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375),
    dimension=128, threshold=0.5,
    false_match_curve=((0.21, 0.1), (0.273, 0.03), (0.317, 0.01), (0.357, 0.003), (0.393, 0.001), (0.43, 0.00031),
                       (0.45, 0.0001), (0.48, 3.9e-05)),
    measured_on="ORL faces by yunet_n_640_640, 77610 pairs of two people (AUC 0.9995, 97.8 % of 1791 pairs of one "
                "person found at a false-match rate of 0.0001); in four clips two people reach at most 0.476",
    note="trained on refined MS-Celeb-1M, which is research data; ArcFace five-point template")

DLIB_RESNET = ModelContract(
    id="dlib_resnet_v1", task="embedding", file="dlib_face_recognition_resnet_model_v1.dat", size=22466066,
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30", licence="CC0-1.0",
    package=f"{_DLIB_FILES}/dlib_face_recognition_resnet_model_v1.dat",
    input_size=(150, 150), colour="RGB", dimension=128, threshold=0.945,
    false_match_curve=((0.891, 0.1), (0.907, 0.03), (0.918, 0.01), (0.927, 0.003), (0.934, 0.001), (0.939, 0.00031),
                       (0.942, 0.00011), (0.95, 4e-05)),
    measured_on="ORL faces by dlib-hog, 72618 pairs of two people (AUC 0.9999, 96.2 % of 1687 pairs of one person "
                "found at a false-match rate of 0.0001); in four clips two people reach at most 0.930",
    note="descriptors scaled to length 1, so that all similarities are high")

#: Every known model, preferred ones first within a task.
CATALOG: "tuple[ModelContract, ...]" = (
    YOLOX_NANO, YOLOX_NANO_RELEASE, YUNET_N, YUNET_2023MAR, DLIB_HOG, DLIB_LANDMARKS, MOBILEFACENET, DLIB_RESNET)


def known(model_id: str) -> "ModelContract | None":
    """The contract of ``model_id``, None where there is none."""
    return next((contract for contract in CATALOG if contract.id == model_id), None)


def find(model_id: str) -> ModelContract:
    """The contract of ``model_id``.

    :raises ModelError: no such model.
    """
    contract = known(model_id)
    if contract is None:
        ids = ", ".join(record.id for record in CATALOG)
        raise ModelError(f"there is no model {model_id!r}; known are {ids}")
    return contract
