"""What a search of one robot's stores compared, and what of its question it did not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from facetrack_ros.core.utc import show_span
from facetrack_ros.history.sightings.coverage import ANALYSED_GAP_NS, GAP_NS, clip_spans, merge_spans, subtract_spans
from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.other_models import other_coverage, other_models
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import NotSearched, SearchedCamera

Spans = tuple[tuple[int, int], ...]

# More gaps of a camera are one part from the first to the last. Chosen by hand.
_MOST_GAPS = 4


class StoreSearch:
    """The stores of one robot and model as one search sees them.

    :param folder: the robot's folder.
    :param stores: of the request's model; may be empty.
    :param configured: cameras the robot is to have, where that is known.
    :param now_ns: time after which nothing can be kept yet; None: unknown.
    """

    def __init__(
        self,
        robot_id: str,
        folder: Path,
        stores: Sequence[SightingStore],
        request: SearchRequest,
        configured: Sequence[str] = (),
        now_ns: int | None = None,
    ) -> None:
        self._robot_id, self._folder, self._stores, self._request = robot_id, folder, tuple(stores), request
        self._start, self._end = request.time_range
        if now_ns is not None and request.window_ns:
            self._end = max(self._start, min(self._end, now_ns))
        stored = {camera for store in self._stores for camera in store.cameras()}
        self._stored = sorted(stored)
        self._never = sorted({camera for camera in configured if self._wanted(camera)} - stored)
        self._elsewhere: Mapping[str, Spans] | None = None

    def searched(self) -> tuple[SearchedCamera, ...]:
        """The cameras compared."""
        found = []
        for camera in filter(self._wanted, self._stored):
            kept = clip_spans(self._kept(camera), self._start, self._end)
            span = (kept[0][0], kept[-1][1]) if kept else (0, 0)
            found.append(SearchedCamera(camera, self._compared(camera), *span))
        return tuple(found)

    def not_searched(self, beside: bool = False) -> tuple[NotSearched, ...]:
        """What the question covers and was not compared.

        :param beside: see :func:`facetrack_ros.search.robot_search.search_robot`.
        """
        if beside:
            cameras = filter(self._wanted, self._stored)
            return (*(gap for camera in cameras for gap in self._not_analysed(camera)), *self._damaged())
        if not self._stored and not self._never and not self._models():
            return (self._gap("has recorded nothing"),)
        found = [self._gap("has recorded nothing", camera) for camera in self._never]
        for camera in filter(self._wanted, self._stored):
            found += [*self._not_kept(camera), *self._not_analysed(camera)]
        return (*found, *self._damaged(), *self._models())

    def _wanted(self, camera: str) -> bool:
        return not self._request.cameras or camera in self._request.cameras

    def _compared(self, camera: str) -> int:
        spans = (store.sighting_spans(camera) for store in self._stores)
        low, high = self._request.time_range
        return sum(int(((first <= high) & (last >= low)).sum()) for first, last in spans)

    def _kept(self, camera: str) -> Spans:
        """When frames of a camera arrived; where that is unknown, the time from its first to its last sighting."""
        spans = [span for store in self._stores for span in store.coverage(camera)]
        if not spans:
            held = (store.per_camera().get(camera) for store in self._stores)
            spans = [(each.first_ns, each.last_ns) for each in held if each is not None]
        return merge_spans(spans, GAP_NS)

    def _analysed(self, camera: str) -> Spans:
        spans = [span for store in self._stores for span in store.analysed(camera)]
        rescanned = (store.rescanned_stamps(camera, self._start, self._end) for store in self._stores)
        return merge_spans([*spans, *((stamp, stamp) for stamps in rescanned for stamp in stamps)], ANALYSED_GAP_NS)

    def _not_kept(self, camera: str) -> list[NotSearched]:
        if not self._request.window_ns:
            return []  # the question covers what is kept
        kept = self._kept(camera)
        gaps = subtract_spans(((self._start, self._end),), kept, GAP_NS)
        if not gaps:
            return []
        if self._elsewhere is None:
            self._elsewhere = other_coverage(self._folder, self._request.model_id)
        if camera in self._elsewhere:
            gaps = subtract_spans(gaps, self._elsewhere[camera], GAP_NS)
        if kept and not clip_spans(kept, self._start, self._end) and len(gaps) == 1:
            held = show_span(kept[0][0], kept[-1][1])
            return [self._gap(f"holds nothing of the time asked for, only {held}", camera, *gaps[0])]
        return self._parts("holds nothing (not recorded, or deleted)", camera, gaps)

    def _not_analysed(self, camera: str) -> list[NotSearched]:
        recorded = merge_spans([span for store in self._stores for span in store.coverage(camera)], GAP_NS)
        recorded = clip_spans(recorded, self._start, self._end)
        gaps = subtract_spans(recorded, self._analysed(camera), ANALYSED_GAP_NS)
        return self._parts("was not searched for faces, though frames arrived,", camera, gaps)

    def _parts(self, what: str, camera: str, gaps: Spans) -> list[NotSearched]:
        if len(gaps) <= _MOST_GAPS:
            return [self._gap(f"{what} from {show_span(*gap)}", camera, *gap) for gap in gaps]
        whole = gaps[0][0], gaps[-1][1]
        length_s = sum(end - start for start, end in gaps) / 1e9
        return [
            self._gap(f"{what} for {length_s:.0f} s in {len(gaps)} parts, from {show_span(*whole)}", camera, *whole)
        ]

    def _damaged(self) -> list[NotSearched]:
        name = database_path(self._folder, self._request.model_id).name
        aside = sorted(path.name for path in self._folder.glob("*.damaged-*") if path.name.startswith(name))
        files = [name for name in aside if not name.endswith(("-wal", "-shm"))]
        what = "lost sightings when its store was damaged; what could not be read is in"
        return [self._gap(f"{what} {self._folder / file}") for file in files]

    def _models(self) -> list[NotSearched]:
        covered = {camera: self._analysed(camera) for camera in self._stored}
        model_id, scope = self._request.model_id, (self._start, self._end, self._request.cameras)
        found = []
        for other in other_models(self._folder, model_id, *scope, covered):
            if other.error:
                found.append(self._gap(f"has sightings of {other.model_id} that cannot be read: {other.error}"))
                continue
            count = f"{other.sightings} sighting{'' if other.sightings == 1 else 's'}"
            sentence = (
                f"has {count} of {other.model_id}, {show_span(other.oldest_ns, other.newest_ns)}, that {model_id} "
                f"does not compare: facetrack reindex --data {self._folder.parent} --robot {self._robot_id}"
            )
            span = (other.oldest_ns, other.newest_ns)
            found.append(self._gap(sentence, "", *span, model_id=other.model_id, sightings=other.sightings))
        return found

    def _gap(self, what: str, camera: str = "", start_ns: int = 0, end_ns: int = 0, **more) -> NotSearched:
        place = f"{self._robot_id}/{camera}" if camera else self._robot_id
        return NotSearched(self._robot_id, f"{place} {what}", camera, start_ns=start_ns, end_ns=end_ns, **more)
