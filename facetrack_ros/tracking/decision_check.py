"""Check of merge decisions that come from outside, by message or file."""

from dataclasses import replace

from facetrack_ros.core import validation
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput
from facetrack_ros.tracking.identity_merges import MergeDecision

#: Longest reason of a decision; longer ones are cut.
LONGEST_REASON = 300
_MOST_FACES = 10_000
_MEASURES = ("similarity", "template_similarity", "margin")


def checked_decision(decision: MergeDecision) -> MergeDecision:
    """The decision with its texts printable and cut. Its version is checked by :class:`IdentityMerges`.

    :raises InvalidInput: a part of it cannot be used.
    """
    validation.identifier(decision.record_id, "the id of a merge decision")
    for person in decision.pair:
        validation.identifier(person, "a person id of a merge decision")
    validation.model_name(decision.model_id, "the model of a merge decision", empty=True)
    validation.stamp(decision.stamp_ns, "the stamp of a merge decision")
    for name in _MEASURES:
        value = getattr(decision, name)
        if value is not None:
            validation.number(value, f"the {name.replace('_', ' ')} of a merge decision", -2.01, 2.01)
    if decision.faces is not None:
        validation.count(decision.faces, "the number of faces of a merge decision", _MOST_FACES)
    if decision.version < 0:
        raise InvalidInput("the version of a merge decision is below 0", "version")
    by = printable(decision.by, validation.LONGEST_NAME)
    reason = printable(decision.reason, LONGEST_REASON)
    return decision if (by, reason) == (decision.by, decision.reason) else replace(decision, by=by, reason=reason)
