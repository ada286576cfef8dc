"""An image topic of a rosbag2 recording, mcap or sqlite3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.errors import FrameError, SourceError
from facetrack_ros.sources.bags.header_clock import HeaderClock, HeaderTime, with_lead
from facetrack_ros.sources.bags.image_messages import IMAGE_TYPES, ImageMessages, StampedImage
from facetrack_ros.sources.bags.stored_bag import StoredBag
from facetrack_ros.sources.bags.stored_topic import StoredTopic
from facetrack_ros.sources.compressed_images import CompressedImages
from facetrack_ros.sources.raw_image import bgr_of_raw
from facetrack_ros.sources.source import FrameSource, Picture

_TOPICS_NAMED = 12


@dataclass(frozen=True)
class _Tag:
    """What a picture takes from its message."""

    time: HeaderTime
    frame_id: str


class BagSource(FrameSource):
    """The pictures of one topic, in the order they were recorded, with the stamps of their headers.

    JPEG is passed on unchanged; video is decoded from its first key picture on. The time of recording counts where a
    header has no stamp or one that cannot be right, see :class:`HeaderClock`. Messages that cannot be used are counted.

    :param path: the bag's folder, or an ``.mcap`` or ``.db3`` file.
    :param topic: of images or video, see :data:`IMAGE_TYPES`; empty: the only one of the bag.
    :raises SourceError: there is no bag or no such topic, or there are several to choose from; the message names them.
    """

    def __init__(self, path: Path, topic: str = ""):
        super().__init__(f"bag {path}")
        self._path = path
        with StoredBag(path) as bag:
            self.topic = self._chosen(topic, bag.topics)

    def _chosen(self, topic: str, topics: dict[str, StoredTopic]) -> str:
        images = {name: each for name, each in topics.items() if each.type in IMAGE_TYPES and each.encoding == "cdr"}
        named = ", ".join(sorted(images))
        if topic in images:
            return topic
        if topic in topics:
            found = topics[topic]
            what = found.type if found.encoding == "cdr" else f"{found.type} in {found.encoding}"
            choice = f"choose from {named}" if images else f"record one of {', '.join(IMAGE_TYPES)}"
            raise SourceError(f"{self.name} has {what or 'no type'} on {topic}, no images that can be read: {choice}")
        if not images:
            has = _listed([f"{name} ({each.type or each.encoding})" for name, each in sorted(topics.items())])
            raise SourceError(f"{self.name} has no topic of images, only {has}: record one of a camera's")
        if topic:
            raise SourceError(f"{self.name} has no image topic {topic}: choose from {named}")
        if len(images) > 1:
            raise SourceError(f"{self.name} has several image topics: name one of {named} as bag:{self._path}:TOPIC")
        return next(iter(images))

    def _read_pictures(self) -> Iterator[Picture]:
        """The readable pictures, up to the end or to where the recording is cut short."""
        clock = HeaderClock()
        first_ns = None
        with StoredBag(self._path) as bag:
            for tag, jpeg, image in self._decoded(bag):
                stamp_ns = clock.stamp_ns(tag.time)
                first_ns = stamp_ns if first_ns is None else first_ns
                yield Picture(stamp_ns - first_ns, stamp_ns, jpeg, image, tag.frame_id)
                if self._closed:
                    break
        for sentence in clock.notes:
            self._note(sentence)

    def _decoded(self, bag: StoredBag) -> Iterator[tuple[_Tag, bytes | None, np.ndarray | None]]:
        """Pictures in the order they are shown."""
        images: CompressedImages[_Tag] = CompressedImages()
        for time, message in with_lead(self._messages(bag)):
            tag = _Tag(time, message.frame_id)
            try:
                if message.pixels is None:
                    yield from images.decode(message.data, message.format, tag)
                else:
                    yield tag, None, bgr_of_raw(*message.pixels)
            except FrameError as error:
                self.unused.add(str(error))
        yield from images.finish()
        for reason, count in images.lost().items():
            self.unused.add(reason, count)

    def _messages(self, bag: StoredBag) -> Iterator[tuple[int, int, StampedImage]]:
        """Header stamp, time of recording and contents of each message that can be read."""
        if self.topic not in bag.topics:
            raise SourceError(f"{self.name} no longer has the topic {self.topic}: it was changed while it was read")
        reader = ImageMessages(bag.topics[self.topic])
        for stored in bag.messages(self.topic, self.unused, self._note):
            try:
                message = reader.read(stored)
            except FrameError as error:
                self.unused.add(str(error))
                continue
            yield message.header_ns, stored.log_ns, message


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _TOPICS_NAMED} more" if len(words) > _TOPICS_NAMED else ""
    return ", ".join(words[:_TOPICS_NAMED]) + more if words else "none"
