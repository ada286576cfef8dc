"""An ONNX graph on onnxruntime's CPU provider, opened with a sentence instead of a traceback."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError, first_line
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape

#: From 1.32 on onnxruntime counts its use and sends that to its maker, and keeps a file of it in the home folder.
NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "1")


class OnnxSession:
    """One graph with one picture input.

    :param path: the ``.onnx`` file.
    :param threads: worker threads inside one call.
    :param open_size: whether it is to take pictures of any size, whatever size the graph declares.
    :raises ModelError: onnxruntime is not installed or cannot read the file.
    """

    def __init__(self, path: Path, threads: int = 1, open_size: bool = False):
        os.environ.setdefault(*NO_TELEMETRY)
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(f"{path.name} needs onnxruntime; install it or choose the dlib models") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # older exporters earn a warning per weight, of no use to a user
        try:
            graph = with_dynamic_input_shape(path.read_bytes()) if open_size else str(path)
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own that share no public base
            raise ModelError(f"{path} cannot be opened as an ONNX model: {first_line(error)}") from error
        if not self._session.get_inputs() or not self._session.get_inputs()[0].shape or not self._session.get_outputs():
            raise ModelError(f"{path} is no network for pictures: its graph has no input with a shape, or no output")
        self._path = path
        self._input = self._session.get_inputs()[0]
        self._output = self._session.get_outputs()[0].name

    @property
    def input_name(self) -> str:
        """What the graph calls its input."""
        return self._input.name

    @property
    def input_shape(self) -> tuple[int | str | None, ...]:
        """As the graph declares it, a name or None where the graph leaves it open."""
        return tuple(self._input.shape)

    @property
    def output_shapes(self) -> dict[str, tuple[int | str | None, ...]]:
        """Declared shape of every output by its name, in the graph's order."""
        return {output.name: tuple(output.shape) for output in self._session.get_outputs()}

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter wrote beside the graph, by its own keys; empty where it wrote nothing."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def batches(self) -> bool:
        """Whether several pictures can go in at once."""
        return not isinstance(self._input.shape[0], int)

    def run(self, blob: np.ndarray) -> np.ndarray:
        """The first output for one input blob, float32.

        :raises ModelError: the graph refuses the input or fails.
        """
        return self._run(blob, [self._output])[0]

    def run_named(self, blob: np.ndarray, names: Sequence[str], batch: int | None = None) -> list[np.ndarray]:
        """Outputs by name for ``(n, ...)`` pictures, in as few calls as the graph's batch allows.

        :param batch: pictures a call, where the graph takes another number than it declares.
        :raises ModelError: the graph refuses the input, fails, or has no row a picture.
        """
        size = batch or (max(1, len(blob)) if self.batches else self.input_shape[0])
        parts = []
        for start in range(0, len(blob), size):
            part = blob[start : start + size]
            missing = size - len(part)
            if missing:  # a graph of fixed batch takes no fewer
                part = np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)])
            outputs = self._run(part, list(names))
            for name, output in zip(names, outputs):
                if not isinstance(output, np.ndarray) or output.ndim == 0 or len(output) != size:
                    raise ModelError(
                        f"{self._path}: its output {name} has the shape {np.shape(output)} for {size} pictures"
                    )
            parts.append([output[: size - missing] for output in outputs])
        return parts[0] if len(parts) == 1 else [np.concatenate(rows) for rows in zip(*parts)]

    def _run(self, blob: np.ndarray, names: list[str]) -> list[np.ndarray]:
        try:
            return self._session.run(names, {self._input.name: self._as_declared(blob)})
        except Exception as error:
            raise ModelError(f"the model failed on an input of shape {blob.shape}: {first_line(error)}") from error

    def _as_declared(self, blob: np.ndarray) -> np.ndarray:
        return blob.astype(np.float16) if self._input.type == "tensor(float16)" else blob
