"""FFmpeg's decoders and demuxers, opened with limits: no input makes them allocate without bound."""

from typing import Any

from facetrack_ros.core.pictures.picture_limits import FRAME

#: Containers of films that are read. Others can do harm (playlists open other files), or reserve memory for as many
#: frames as their header claims.
FILM_FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "mjpeg", "obu", "ivf", "flv"),
    *("asf", "ogg", "dv", "gif", "apng", "yuv4mpegpipe", "h261", "h263", "vc1", "webp_anim"),
    *("png_pipe", "webp_pipe", "tiff_pipe", "jpeg_pipe", "bmp_pipe", "gif_pipe"),
)
#: Streams of a container; a film with as many languages as any has fewer.
MOST_STREAMS = 64


def open_decoder(name: str, options: dict[str, str] | None = None) -> Any:
    """A decoder of PyAV, not opened yet, that refuses pictures larger than frames, also in mid-stream.

    It works in one thread: several return pictures later than they take packets.

    :param options: of the decoder.
    :raises Exception: FFmpeg has no such decoder here; its type depends on the version of PyAV.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    codec: Any = av.CodecContext.create(name, "r")
    codec.thread_count = 1
    codec.options = {"max_pixels": str(FRAME.max_pixels), **(options or {})}
    return codec


def open_input(file: Any, max_pixels: int = FRAME.max_pixels, formats: tuple[str, ...] = (), **options: Any) -> Any:
    """A container of PyAV, open for reading; its decoders refuse pictures of more than ``max_pixels``.

    :param file: path, address or binary file.
    :param formats: names of FFmpeg's demuxers that may read it; empty: any.
    :param options: of ``av.open``.
    :raises av.FFmpegError: it cannot be opened.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    limits = {"max_pixels": str(max_pixels), "max_streams": str(MOST_STREAMS)}
    if formats:
        limits["format_whitelist"] = ",".join(formats)
    # Metadata is text of others, in any encoding.
    options.setdefault("metadata_errors", "replace")
    container: Any = av.open(file, options={**limits, **options.pop("options", {})}, **options)
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.options = {"max_pixels": str(max_pixels)}
    return container
