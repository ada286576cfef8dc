"""Persons kept over a restart: :class:`.merge_log.MergeLog`, :class:`.gallery_store.GalleryStore`, :mod:`.recall`."""
