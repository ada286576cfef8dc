"""Errors a user can act on. Each carries one sentence that says what to do."""


class FacetrackError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(FacetrackError):
    """A configuration key, type or value that is not allowed."""


class SourceError(FacetrackError):
    """A camera, file, folder or bag that cannot be opened or read."""


class FrameError(FacetrackError):
    """A picture that cannot be decoded or encoded."""


class ModelError(FacetrackError):
    """A model that is missing, damaged, of the wrong shape or refused."""


class ReferenceFaceError(FacetrackError):
    """A reference that is not exactly one usable face."""


class StoreError(FacetrackError):
    """A history on disk that cannot be opened, read or written."""


class DamagedStoreError(StoreError):
    """A store whose file is damaged."""


class RequestError(FacetrackError):
    """A search that cannot be asked: contradictory, empty or out of range."""


class EvaluationError(FacetrackError):
    """Labelled data that nothing can be measured on."""


def first_line(error: Exception) -> str:
    """First line of a library's error message that is not blank; the name of its class where it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
