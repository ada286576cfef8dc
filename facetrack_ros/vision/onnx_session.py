"""An ONNX graph on onnxruntime's CPU provider, opened with a sentence instead of a traceback."""

from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError


class OnnxSession:
    """One graph with one picture input and one output of interest.

    :param path: the ``.onnx`` file.
    :param threads: worker threads inside one call.
    :raises ModelError: onnxruntime is not installed or cannot read the file.
    """

    def __init__(self, path: Path, threads: int = 1):
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(f"{path.name} needs onnxruntime; install it or choose the dlib models") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # older exporters earn a warning per weight, of no use to a user
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own that share no public base
            raise ModelError(f"{path} cannot be opened as an ONNX model: {str(error).splitlines()[0]}") from error
        self._input = self._session.get_inputs()[0]
        self._output = self._session.get_outputs()[0].name

    @property
    def input_name(self) -> str:
        """What the graph calls its input."""
        return self._input.name

    @property
    def input_shape(self) -> "tuple[int | str | None, ...]":
        """As the graph declares it, a name or None where the graph leaves it open."""
        return tuple(self._input.shape)

    @property
    def batches(self) -> bool:
        """Whether several pictures can go in at once."""
        return not isinstance(self._input.shape[0], int)

    def run(self, blob: np.ndarray) -> np.ndarray:
        """The first output for one input blob, float32.

        :raises ModelError: the graph refuses the input or fails.
        """
        try:
            return self._session.run([self._output], {self._input.name: blob})[0]
        except Exception as error:
            raise ModelError(f"the model failed on an input of shape {blob.shape}: "
                             f"{str(error).splitlines()[0]}") from error
