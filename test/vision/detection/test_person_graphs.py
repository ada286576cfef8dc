"""Detectors on generated graphs: open batches, NaN, wrong shapes, missing metadata."""

import functools

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.vision.detection.nanodet import NanodetPersonDetector
from facetrack_ros.vision.detection.yolo_onnx import YoloPersonDetector
from facetrack_ros.vision.detection.yolox import YoloxPersonDetector
from facetrack_ros.vision.inference.anchors import anchor_grid
from facetrack_ros.vision.inference.onnx_session import OnnxSession

onnx = pytest.importorskip("onnx", reason="onnx, which builds the graphs of these tests, is not installed")

DETECTORS = {
    "yolox": (YoloxPersonDetector, catalog.YOLOX_NANO),
    "nanodet": (NanodetPersonDetector, catalog.NANODET),
    "yolo": (YoloPersonDetector, catalog.YOLO_ONNX),
}
YOLO_METADATA = {"task": "detect", "stride": "32", "imgsz": "[64, 64]", "batch": "1"}
YOLO_METADATA["names"] = "{0: 'dog', 1: 'person'}"
NOTHING = float("nan")


def save_graph(path, outputs, batch=1, size=(416, 416), channels=3, metadata=None):
    """A graph whose outputs are these ``(1, ...)`` arrays, one for each picture that goes in."""
    shape = [batch, channels, *size]
    node, array, FLOAT = onnx.helper.make_node, onnx.numpy_helper.from_array, onnx.TensorProto.FLOAT
    value = onnx.helper.make_tensor_value_info
    nodes = [
        node("ReduceSum", ["images", "axes"], ["sums"], keepdims=1),
        node("Mul", ["sums", "zero"], ["nothing"]),
        node("Reshape", ["nothing", "flat"], ["zeros"]),
    ]
    constants = [array(np.arange(1, 2 + len(size)), "axes"), array(np.zeros(1, np.float32), "zero")]
    constants.append(array(np.array([-1, 1, 1]), "flat"))
    declared = []
    for number, (name, rows) in enumerate(outputs.items()):
        constants.append(array(np.asarray(rows, np.float32), f"rows{number}"))
        nodes.append(node("Add", [f"rows{number}", "zeros"], [name]))
        declared.append(value(name, FLOAT, [batch, *np.shape(rows)[1:]]))
    graph = onnx.helper.make_graph(nodes, "made", [value("images", FLOAT, shape)], declared, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path


yolo_graph = functools.partial(save_graph, metadata=YOLO_METADATA)


def yolox_rows(*persons):
    """Rows of 416x416 with these ``(row, score)`` persons, each 40 px wide around its cell."""
    rows = np.zeros((1, 3549, 85), np.float32)
    _, stride = anchor_grid((416, 416))
    for row, score in persons:
        rows[0, row, 2:4] = np.log(40 / stride[row])
        rows[0, row, 4:6] = 1, score
    return rows


def nanodet_outputs(*persons, bins=8):
    """Outputs of 416x416 with these ``(cell of stride 8, score)`` persons, each of whose sides lies 3 strides away."""
    outputs = {}
    for stride in (8, 16, 32):
        cells = (416 // stride) ** 2
        outputs[f"sides{stride}"] = np.zeros((1, cells, 4 * bins), np.float32)
        outputs[f"classes{stride}"] = np.zeros((1, cells, 80), np.float32)
    for cell, score in persons:
        outputs["classes8"][0, cell, 0] = score
        outputs["sides8"][0, cell].reshape(4, bins)[:, 3] = 50
    return outputs


def yolo_columns(*persons):
    """``(1, 4 + 2, n)`` with these ``(x, y, width, height, dog, person)``."""
    columns = np.zeros((1, 6, 84), np.float32)
    for number, person in enumerate(persons):
        columns[0, :, number] = person
    return columns


def detector(kind, path, **options):
    cls, contract = DETECTORS[kind]
    return cls(path, contract, **options)


GREY = np.full((416, 416, 3), 128, np.uint8)


@pytest.mark.parametrize("batch", ["n", 1, 2])
def test_images_are_batched_as_the_graph_allows(tmp_path, batch, monkeypatch):
    calls, run = [], OnnxSession._run
    monkeypatch.setattr(
        OnnxSession, "_run", lambda self, blob, *names: calls.append(len(blob)) or run(self, blob, *names)
    )
    for kind, outputs in (
        ("yolox", {"output": yolox_rows((1000, 0.9))}),
        ("nanodet", nanodet_outputs((1000, 0.9))),
        ("yolo", {"output0": yolo_columns((208, 208, 50, 99, 0, 0.9))}),
    ):
        made = detector(kind, yolo_graph(tmp_path / f"{kind}{batch}.onnx", outputs, batch))
        calls.clear()
        found = made.detect([GREY, GREY, GREY])
        assert calls == {"n": [3], 1: [1, 1, 1], 2: [2, 2]}[batch]
        assert [len(one) for one in found] == [1, 1, 1]
        assert np.array_equal(found[0].boxes, found[2].boxes)
        assert found[0].scores == pytest.approx([0.9])
        assert made.detect([]) == []


def test_nanodet_sides_lie_at_the_mean_of_their_distribution(tmp_path):
    (found,) = detector("nanodet", save_graph(tmp_path / "n.onnx", nanodet_outputs((52 * 20 + 30, 0.8)))).detect([GREY])
    assert found.boxes[0] == pytest.approx([244 - 24, 164 - 24, 244 + 24, 164 + 24], abs=1e-3)


def test_nanodet_outputs_are_identified_by_their_shapes(tmp_path):
    outputs = nanodet_outputs((500, 0.8))
    one, other = (
        detector("nanodet", save_graph(tmp_path / f"{number}.onnx", dict(order))).detect([GREY])[0]
        for number, order in enumerate((outputs.items(), reversed(outputs.items())))
    )
    assert len(one) == 1
    assert np.array_equal(one.boxes, other.boxes)


@pytest.mark.parametrize("bad", [NOTHING, float("inf"), -float("inf"), 1e38])
def test_invalid_numbers_give_no_box_and_affect_no_other(tmp_path, bad):
    rows = yolox_rows((1000, 0.9), (2000, 0.9), (2500, bad), (2600, 0.9))
    rows[0, 2000, :2], rows[0, 2600, 2:4] = bad, NOTHING
    outputs = nanodet_outputs((1000, 0.9), (1200, bad), (1400, 0.9))
    outputs["sides8"][0, 1400] = bad if bad != 1e38 else NOTHING
    good = (208, 208, 50, 99, 0, 0.9)
    columns = yolo_columns(good, (bad, 9, 5, 5, 0, 0.9), (9, 9, 5, NOTHING, 0, 0.9), (9, 9, 5, 5, NOTHING, 0.8))
    for kind, made in {"yolox": {"output": rows}, "nanodet": outputs, "yolo": {"output0": columns}}.items():
        with np.errstate(all="ignore"):
            (found,) = detector(kind, yolo_graph(tmp_path / f"{kind}.onnx", made)).detect([GREY])
        assert np.isfinite(found.boxes).all()
        assert (found.scores <= 1).all()
        assert (found.scores >= 0.4).all()
        assert found.boxes.min() >= 0
        assert found.boxes.max() <= 416
        assert np.isin(np.float32(0.9), found.scores)
        assert len(found) <= 2, "one good box, and at most one whose score is over 1"


def test_a_box_counts_for_its_best_class_only(tmp_path):
    columns = yolo_columns((100, 100, 40, 80, 0.3, 0.7), (300, 100, 40, 80, 0.7, 0.5))
    (found,) = detector("yolo", yolo_graph(tmp_path / "y.onnx", {"output0": columns})).detect([GREY])
    assert found.boxes.tolist() == [[80, 60, 120, 140]]


def test_boxes_of_an_end_to_end_graph_are_not_suppressed(tmp_path):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :4] = [(10, 20, 30, 60, 0.8, 1), (11, 20, 30, 60, 0.7, 1), (10, 20, 30, 60, 0.9, 0), (1, 2, 3, 4, 0.1, 1)]
    path = save_graph(tmp_path / "y.onnx", {"output0": rows}, metadata=YOLO_METADATA | {"end2end": "True"})
    (found,) = detector("yolo", path).detect([GREY])
    assert found.boxes.tolist() == [[10, 20, 30, 60], [11, 20, 30, 60]]


def test_images_of_a_batch_are_independent(tmp_path):
    path = yolo_graph(tmp_path / "y.onnx", {"output0": yolo_columns((20, 20, 8, 8, 0, 0.9))}, "n", ("h", "w"))
    wide, tall = np.zeros((36, 64, 3), np.uint8), np.zeros((64, 20, 3), np.uint8)
    made = detector("yolo", path)
    together, alone = made.detect([wide, tall, wide]), [made.detect([picture])[0] for picture in (wide, tall, wide)]
    assert all(np.array_equal(one.boxes, other.boxes) for one, other in zip(together, alone))


@pytest.mark.parametrize(
    ("kind", "outputs", "metadata", "message"),
    [
        ("yolox", {"output": np.zeros((1, 3549, 5))}, {}, "no undecoded YOLOX graph"),
        ("yolox", {"output": np.zeros((1, 8400, 85))}, {}, "no undecoded YOLOX graph"),
        ("nanodet", {"output": np.zeros((1, 3549, 112))}, {}, "no NanoDet graph"),
        ("nanodet", nanodet_outputs() | {"classes8": np.zeros((1, 2704, 20))}, {}, "no NanoDet graph"),
        ("yolo", {"output0": yolo_columns()}, {}, "names no classes"),
        ("yolo", {"output0": yolo_columns()}, YOLO_METADATA | {"task": "segment"}, "its task is 'segment'"),
        (
            "yolo",
            {"output0": yolo_columns()},
            YOLO_METADATA | {"names": "{0: 'cat', 1: 'dog'}"},
            "no persons.*cat, dog",
        ),
        ("yolo", {"output0": yolo_columns()}, YOLO_METADATA | {"names": "[" * 2000}, "names no classes"),
        ("yolo", {"output0": np.zeros((1, 84, 84))}, YOLO_METADATA, "no YOLO detector"),
        ("yolo", {"output0": np.zeros((1, 300, 84))}, YOLO_METADATA | {"head": "RTDETRDecoder"}, "RT-DETR"),
        ("yolo", {"output0": np.zeros((1, 300, 7))}, YOLO_METADATA | {"end2end": "True"}, r"expected \(1, n, 6\)"),
    ],
)
def test_a_graph_of_another_shape_or_task_is_refused(tmp_path, kind, outputs, metadata, message):
    with pytest.raises(ModelError, match=message):
        detector(kind, save_graph(tmp_path / "other.onnx", outputs, metadata=metadata))


@pytest.mark.parametrize("kind", DETECTORS)
@pytest.mark.parametrize("shape", [{"channels": 4}, {"size": (32, 32)}, {"size": (32,)}, {"size": (8, 8, 8)}])
def test_an_input_of_another_shape_is_refused(tmp_path, kind, shape):
    outputs = {"yolox": {"o": yolox_rows()}, "nanodet": nanodet_outputs(), "yolo": {"o": np.zeros((1, 20, 7))}}[kind]
    with pytest.raises(ModelError):
        detector(kind, yolo_graph(tmp_path / "other.onnx", outputs, **shape))


def test_an_open_size_without_a_size_is_refused(tmp_path):
    metadata = {key: value for key, value in YOLO_METADATA.items() if key != "imgsz"}
    with pytest.raises(ModelError, match="imgsz"):
        detector("yolo", save_graph(tmp_path / "y.onnx", {"o": yolo_columns()}, 1, ("h", "w"), metadata=metadata))


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_network_of_another_task_is_refused(models, kind):
    for name in ("yunet_n_640_640.onnx", "mobilefacenet_foamliu.onnx", "osnet_x0_25_msmt17.onnx"):
        with pytest.raises(ModelError):
            detector(kind, models / name)


def test_nanodet_finds_persons_in_a_street(models):
    picture = cv2.imread(str(models.parent / "images" / "bus.jpg"))
    if picture is None:
        pytest.skip("no images/bus.jpg in the data folder")
    found, again = detector("nanodet", models / catalog.NANODET.file).detect([picture, picture])
    assert len(found) >= 3
    assert np.array_equal(found.boxes, again.boxes)
    assert found.boxes[:, 3].max() > 800
