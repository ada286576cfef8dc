"""Boxes over time: tracks, visits, persons and events, through :class:`.people_tracker.PeopleTracker`.

Built by :mod:`.factory`; :class:`.face_scheduler.FaceScheduler` chooses the faces to embed, and
:class:`.identity_merges.IdentityMerges` joins the ids of one person.
"""
