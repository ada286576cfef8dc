"""An ONNX graph on onnxruntime's CPU provider."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError, first_line

#: Unless this is set, onnxruntime from 1.32 on sends usage data to its maker and keeps a file in the home folder.
NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "1")
# Of a protobuf message, which an ONNX file is.
_MOST_BYTES = 2**31


class OnnxSession:
    """One graph with one image input.

    :param threads: threads inside one call.
    :param convert: makes the graph of the file's bytes, as :func:`.with_dynamic_input_shape` does; None: not needed.
    :ivar input_shape: the input's declared shape, with a name or None for each dynamic dimension.
    :ivar batch: images in one call; None: any number.
    :ivar output_shapes: declared shape of every output by its name, in the graph's order.
    :raises ModelError: onnxruntime is not installed, cannot read the file, or the graph is none for images.
    """

    def __init__(self, path: Path, threads: int = 1, convert: Callable[[bytes], bytes] | None = None):
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:  # a pipe would never end
            raise ModelError(f"{path} is no file of an ONNX model, or larger than 2 GB")
        os.environ.setdefault(*NO_TELEMETRY)
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(f"{path.name} needs onnxruntime; install it") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # older exporters cause a warning for each weight
        try:
            graph = str(path) if convert is None else convert(path.read_bytes())
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except ModelError:
            raise
        except Exception as error:  # onnxruntime's own classes share no public base
            raise ModelError(f"{path} cannot be opened as an ONNX model: {first_line(error)}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if not inputs or not inputs[0].shape or not outputs:
            raise ModelError(f"{path} is no network for pictures: its graph has no input with a shape, or no output")
        self._path, self._float16 = path, inputs[0].type == "tensor(float16)"
        self.input_name: str = inputs[0].name
        self.input_shape: tuple[int | str | None, ...] = tuple(inputs[0].shape)
        self.batch = self.input_shape[0] if isinstance(self.input_shape[0], int) else None
        self.output_shapes = {output.name: tuple(output.shape) for output in outputs}

    @property
    def metadata(self) -> dict[str, str]:
        """The exporter's metadata, by its own keys."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, blob: np.ndarray) -> np.ndarray:
        """The first output for one input blob, float32.

        :raises ModelError: the graph rejects the input or fails.
        """
        return self._run(blob, [next(iter(self.output_shapes))])[0]

    def run_named(self, blob: np.ndarray, names: Sequence[str], batch: int | None = None) -> list[np.ndarray]:
        """Outputs by name for ``(n, ...)`` images, in as few calls as the graph's batch allows.

        :param batch: images in one call, where the graph needs another number than it declares.
        :raises ModelError: the graph rejects the input, fails, or has an output without a row for each image.
        """
        size = batch or self.batch or max(1, len(blob))
        parts = []
        for start in range(0, len(blob), size):
            part = blob[start : start + size]
            missing = size - len(part)
            if missing:  # a graph of fixed batch takes no fewer
                part = np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)])
            outputs = self._run(part, list(names))
            for name, output in zip(names, outputs):
                if not isinstance(output, np.ndarray) or output.ndim == 0 or len(output) != size:
                    raise ModelError(f"{self._path}: output {name} has shape {np.shape(output)} for {size} pictures")
            parts.append([output[: size - missing] for output in outputs])
        return parts[0] if len(parts) == 1 else [np.concatenate(rows) for rows in zip(*parts)]

    def _run(self, blob: np.ndarray, names: list[str]) -> list[np.ndarray]:
        if self._float16:
            blob = blob.astype(np.float16)
        try:
            return self._session.run(names, {self.input_name: blob})
        except Exception as error:
            raise ModelError(f"the model failed on an input of shape {blob.shape}: {first_line(error)}") from error
