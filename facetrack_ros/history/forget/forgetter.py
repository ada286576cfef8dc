"""Forgets in a robot's folder, in steps that a killed process can repeat.

The order is on disk before anything is deleted. Sightings go last: they say where else the person is. Then everything
is searched once more, and only if nothing is found the receipt is written and the order taken off.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core.disk.overwriting import shred, shred_folder
from facetrack_ros.core.sealed_files.record_file import open_stored
from facetrack_ros.errors import RequestError, StoreError, store_errors
from facetrack_ros.history.forget.clips import ClipManifest, forget_clip
from facetrack_ros.history.forget.log_lines import edit_log, event_edit, request_edit, search_edit
from facetrack_ros.history.forget.order import ForgetOrder, ForgetTarget, end_intent, read_intent, write_intent
from facetrack_ros.history.forget.places import ForgetPlaces
from facetrack_ros.history.forget.presence import Presence
from facetrack_ros.history.forget.preview import ForgetPreview, find_order, find_presence, find_traces, traces_of
from facetrack_ros.history.forget.receipts import Receipts
from facetrack_ros.history.forget.recordings import RecordingFilter
from facetrack_ros.history.forget.tombstones import Tombstone, Tombstones
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.security.keys import Identity
from facetrack_ros.tracking.identity_merges import IdentityMerges

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ForgetOutcome:
    """What was forgotten, or would be.

    :param receipt: as written; None: nothing was done.
    :param unnamed_tracks: tracks without a person that show the face.
    """

    order: ForgetOrder
    preview: ForgetPreview
    presence: Presence
    receipt: dict[str, Any] | None = None
    unnamed_tracks: tuple[str, ...] = ()

    def hides(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a frame may show what is forgotten."""
        return self.order.within(stamp_ns) or self.presence.shows(camera_id, stamp_ns)


class Forgetter:
    """Forgets in one robot's folder.

    :param clock_ns: the time.
    :param identity: the robot's key, which signs receipts; None: it has none.
    """

    def __init__(self, places: ForgetPlaces, clock_ns: Callable[[], int], identity: Identity | None = None) -> None:
        self._places, self._clock_ns = places, clock_ns
        self._receipts = Receipts(places.path, places.robot_id, identity)
        self._tombstones = Tombstones(places.path)

    def look(self, target: ForgetTarget, merges: IdentityMerges | None = None) -> ForgetOutcome:
        """What there is to forget; nothing is changed.

        :param merges: of other robots.
        :raises StoreError: part of the folder cannot be read.
        """
        order, preview, presence = find_order(self._places, target, self._clock_ns(), merges)
        unnamed: set[str] = set()
        for store in self._places.stores:
            traces = store.traces_of(ids=order.rows.get(store.contract.id, ()))
            unnamed.update(trace.track_id for trace in traces if trace.track_id)
        return ForgetOutcome(order, preview, presence, unnamed_tracks=tuple(sorted(unnamed)))

    def forget(self, found: ForgetOutcome, brake: bool = True) -> ForgetOutcome:
        """Forget what :meth:`look` found.

        :param brake: refuse to delete more than half of a store.
        :raises RequestError: the brake held; nothing is deleted.
        :raises StoreError: something cannot be deleted; the rest is done by :meth:`finish`, now or at the next start.
        """
        if brake and found.preview.too_much:
            raise RequestError(f"{found.preview.too_much}, more than half, so nothing is: --yes deletes them")
        return self._begin(found.order)

    def forget_order(self, order: ForgetOrder) -> ForgetOutcome:
        """Forget what an order says, whatever its share.

        :raises StoreError: something cannot be deleted.
        """
        preview, _ = find_traces(self._places, order)
        return self._begin(replace(order, found=preview.as_dict()))

    def finish(self) -> ForgetOutcome | None:
        """Finish what a process that ended meanwhile began; None: there is nothing.

        :raises StoreError: something cannot be deleted.
        """
        order = read_intent(self._places.path)
        if order is None:
            return None
        logger.warning("%s was being forgotten when the robot ended, and is forgotten now", order.order_id)
        return self._run(order, interrupted=True)

    def _begin(self, order: ForgetOrder) -> ForgetOutcome:
        write_intent(self._places.path, order)
        return self._run(order, interrupted=False)

    def _run(self, order: ForgetOrder, interrupted: bool) -> ForgetOutcome:
        self._tombstones.add(Tombstone.of(order))
        presence = find_presence(self._places, order)
        self._forget_recordings(order, presence)
        for clip in map(ClipManifest.read, self._places.clips()):
            if clip.concerns(order, presence):
                forget_clip(clip, order, presence)
        for log in self._places.event_logs():
            edit_log(log, event_edit(order, log.suffix), change=True)
        for log in self._places.search_logs():
            edit_log(log, search_edit(order), change=True)
        edit_log(self._places.requests, request_edit(order), change=True)
        self._forget_people(order)
        self._delete_leftovers()
        for store in self._places.stores:
            store.erase(np.array([trace.row for trace in traces_of(store, order)], np.int64))
            if order.start_ns is not None and order.end_ns is not None:
                store.uncover(order.start_ns, order.end_ns)
            store.mark_forgotten([order.order_id])
        self._check(replace(order, rows={}))  # their ids may be given again
        receipt = self._receipts.append(order, interrupted, self._clock_ns())
        end_intent(self._places.path)
        return ForgetOutcome(order, ForgetPreview(), presence, receipt)

    def _forget_recordings(self, order: ForgetOrder, presence: Presence) -> None:
        archive = self._places.archive
        if archive is None:
            return
        rule = RecordingFilter(order, presence)
        for path, table in archive.sealed():
            with store_errors(f"cannot read {path}"), open_stored(path) as file:
                if rule.change(file, table):
                    archive.rewrite(path.name, lambda writer: rule.write(file, table, writer))  # noqa: B023 - called at once

    def _forget_people(self, order: ForgetOrder) -> None:
        gallery = GalleryStore(self._places.path)
        for entry_id in order.entry_ids:
            gallery.delete(entry_id)
        log = MergeLog(self._places.path)
        decisions = log.read().decisions
        kept = [each for each in decisions if not {*each.pair} & {*order.person_ids}]
        if len(kept) < len(decisions) or log.damaged:
            log.replace(kept)

    def _delete_leftovers(self) -> None:
        for path in self._places.leftovers():
            with store_errors(f"cannot delete {path}", "check the permissions"):
                (shred_folder if path.is_dir() and not path.is_symlink() else shred)(path)

    def _check(self, order: ForgetOrder) -> None:
        """
        :raises StoreError: something is left.
        """
        left, _ = find_traces(self._places, order)
        if not left.empty or left.leftovers:
            raise StoreError(f"not everything could be forgotten in {self._places.path}: {left.as_dict()}")


def unfinished(folder: Path) -> bool:
    """Whether something was being forgotten in a robot's folder when a process ended."""
    try:
        return read_intent(folder) is not None
    except StoreError:
        return True
