"""Kinds of requests to the fleet, and the fields of their bodies and answers."""

#: Persons, merge decisions and gallery entries of each robot, without embeddings: ``persons``, ``decisions``,
#: ``entries``, ``error``.
LIST_PEOPLE = "list_people"
#: Gallery entries: ``entries``; of the request, ``embeddings``: whether with them, ``ids``: which, none: all.
LIST_GALLERY = "list_gallery"
#: Gallery entries to store: ``entries``; ``outdated``: ids of those that they replace. Answer: ``added``, ids.
ENROL = "enrol"
#: Gallery entries to delete: ``name``, of the person or the id of one. Answer: ``deleted``, ids.
REMOVE = "remove"
#: Two ids are one person: ``ids``, ``decisions``. Answer: ``new``, ids of the decisions that were not known.
MERGE = "merge"
#: An id is none of those it was merged with: ``ids``, one, ``decisions``. Answer: as of ``merge``.
SPLIT = "split"
#: Frames of a camera, as of the service ``get_frames``: ``camera_id``, ``start_ns``, ``end_ns``, ``tolerance_ns``,
#: ``max_frames``, ``max_bytes``. Answer: ``frames`` with ``stamp_ns``, ``number``, ``frame_id``, in base64 ``data``;
#: ``more``.
FRAMES = "frames"
#: A clip to save on each robot, as of the service ``save_clip``. Answer: ``folder``, ``files``, ``frames``, ``note``.
CLIP = "clip"
#: Requests that changed something and that the robot that asks may lack: ``known``, ids. Answer: ``requests``.
MISSED = "missed"
#: What a robot did on the requests that changed something: ``requests``, each with its ``receipt``.
LIST_REQUESTS = "list_requests"
#: Delete a person or a stretch of time so that no byte is left: ``order_id``, ``more_persons``, ``more_entries``,
#: ``more_tracks``, ids, or ``person_id``, or ``start_ns`` and ``end_ns``; ``blur``, ``yes``. Never a face or a name, as
#: requests that change something are kept. Answer: ``nothing``, ``found``, ``receipt``.
FORGET = "forget"
#: What would be deleted: fields of ``forget``, or ``faces``, embeddings by model, or ``name``. Answer: as of
#: ``forget``, with ``person_ids``, ``entry_ids``, ``track_ids``, ``names``, ``too_much``.
FORGET_PREVIEW = "forget_preview"
