"""Identities in one room: who is one person, over robots that share what they see.

    python benchmarks/one_room.py DATA_DIR [--stacks NAME …] [--lenses] [--seed N] [--json FILE]

DATA_DIR holds ``faces/att_faces`` (ORL: 40 people, 10 pictures each, one camera and one light) and ``clips``. The
pictures of a person are shared out to visits, each visit is filmed by a robot at five pictures a second, and robots
exchange templates and merges after each visit. ``--lenses`` films the pictures through a poor lens as well: blurred,
lit from the side, dark. The last rows are the people of the clips, each clip cut in two. Draws are seeded.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, ORL_PAD, ORL_UPSCALE, clip_frames, person_in_zone
from one_room_faces import coarse, side_lit

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import TrackState
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.face_scheduler import FaceScheduler
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator, robot_of_person, safe_name
from facetrack_ros.tracking.identity.person_registry import TemplateRefused
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import enlarged
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

#: The models that a robot prefers, and those that pip packages carry. Persons are taken from faces: a picture of a face
#: alone is no person to a person detector.
STACKS = {
    "mobilefacenet": VisionSettings(person_model=FROM_FACES),
    "pip": VisionSettings(person_model=FROM_FACES, face_model="centerface", embedder="dlib_resnet_v1"),
    "dlib": VisionSettings(person_model=FROM_FACES, face_model="dlib-hog", embedder="dlib_resnet_v1"),
}
FRAME_NS = 200_000_000
#: Between two visits to one robot.
PAUSE_NS = 60_000_000_000
FIRST_NS = 1_777_636_800_000_000_000


@dataclass(frozen=True, eq=False)
class Sight:
    """What the models see in one picture."""

    detections: Detections
    faces: tuple[Face, ...]


@dataclass(frozen=True, eq=False)
class RoomVisit:
    """One person's stay at one robot."""

    person: str
    robot: str
    sights: Sequence[Sight]


@dataclass(frozen=True)
class Outcome:
    """Identities of a design.

    :param ids: persons after all merges.
    :param merged: pairs of people that share an id.
    :param split: people with more than one id.
    :param pairs: pairs of visits of one person; ``found``: those of one id.
    :param unseen: visits in which no person was tracked.
    :param suggested: suggestions; ``wrong_suggestions``: those of two people.
    """

    visits: int
    people: int
    ids: int
    merged: int
    split: int
    pairs: int
    found: int
    unseen: int
    suggested: int
    wrong_suggestions: int


class Fleet:
    """Robots of one mesh that share every template and decision at once."""

    def __init__(self, contract: ModelContract):
        self._contract = contract
        self._robots: dict[str, PeopleTracker] = {}
        self._shared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._now_ns = FIRST_NS

    def robot(self, name: str) -> PeopleTracker:
        """A robot; a new one learns all persons and decisions of the others."""
        if name not in self._robots:
            people = make_people_tracker(name, IdAllocator(), Config(), self._contract)
            known = next(iter(self._robots.values()), None)
            for decision in known.merges.decisions if known else ():
                people.add_decision(decision)
            self._robots[name] = people
            for person_id, template in self._shared.items():
                people.learn(person_id, self._contract.id, *template, merge=False)
            people.settle(self._shared)
            self._exchange_decisions()
        return self._robots[name]

    @property
    def merges(self):
        """The merges that all robots agree on."""
        return next(iter(self._robots.values())).merges

    def film(self, visit: RoomVisit) -> set[str]:
        """Let a robot film a visit; the ids that it gave."""
        people, scheduler, ids = self.robot(visit.robot), FaceScheduler(), set()
        for number, sight in enumerate(visit.sights):
            self._now_ns += FRAME_NS
            plan = scheduler.plan(self._now_ns)
            wanted = plan.embed_mask(sight.detections.boxes, sight.faces)
            faces = [each if want else replace(each, embedding=None) for each, want in zip(sight.faces, wanted)]
            tracks, _ = people.update("front", self._now_ns, number, sight.detections, faces)
            scheduler.update(self._now_ns, tracks)
            ids |= {track.person_id for track in tracks if track.person_id and track.state is TrackState.TRACKING}
        events = people.close("front")
        ids |= {event.person_id for event in events if event.event == PERSON_IN}
        self._now_ns += PAUSE_NS
        self._share(people, ids)
        return ids

    def _share(self, owner: PeopleTracker, ids: Iterable[str]) -> None:
        templates = owner.persons()
        # A robot tells of its own persons only.
        own = {person_id for person_id in ids if robot_of_person(person_id) == safe_name(owner.robot_id)}
        for person_id in sorted(own & templates.keys()):
            self._shared[person_id] = templates[person_id].embeddings, templates[person_id].qualities
            for people in self._robots.values():
                if people is not owner:
                    self._learn(people, person_id, self._shared[person_id])
        self._exchange_decisions()

    def _learn(self, people: PeopleTracker, person_id: str, template: tuple[np.ndarray, np.ndarray]) -> None:
        with suppress(TemplateRefused):
            people.learn(person_id, self._contract.id, *template)

    def _exchange_decisions(self) -> None:
        while new := [each for people in self._robots.values() for each in people.take_new_decisions()]:
            for people in self._robots.values():
                for decision in new:
                    people.add_decision(decision)


def play(visits: Sequence[RoomVisit], contract: ModelContract) -> Outcome:
    """Film all visits one after the other, and compare the identities with the people."""
    fleet = Fleet(contract)
    ids_of = [(visit, fleet.film(visit)) for visit in visits]
    canonical = fleet.merges.canonical
    people_of, person_of, found, pairs = defaultdict(set), {}, 0, 0
    by_person = defaultdict(list)
    for visit, ids in ids_of:
        by_person[visit.person].append({canonical(each) for each in ids})
        for each in ids:
            people_of[canonical(each)].add(visit.person)
            person_of[each] = visit.person
    for groups in by_person.values():
        seen = [each for each in groups if each]
        pairs += len(seen) * (len(seen) - 1) // 2
        found += sum(bool(one & other) for one, other in combinations(seen, 2))
    suggestions = [each for each in fleet.merges.decisions if each.suggestion]
    return Outcome(
        len(visits),
        len(by_person),
        len(people_of),
        sum(len(people) * (len(people) - 1) // 2 for people in people_of.values()),
        sum(len(set().union(*groups)) > 1 for groups in by_person.values()),
        pairs,
        found,
        sum(not ids for _, ids in ids_of),
        len(suggestions),
        sum(person_of.get(each.first) != person_of.get(each.second) for each in suggestions),
    )


def see(pipeline: VisionPipeline, image: np.ndarray) -> Sight:
    """Persons and faces of a picture."""
    detections = pipeline.detect([image])[0]
    return Sight(detections, tuple(pipeline.faces(image, detections)))


def see_orl(pipeline: VisionPipeline, data: Path, lens: Callable[[np.ndarray], np.ndarray]) -> dict[str, list[Sight]]:
    """What is seen in the pictures of each person, filmed through a lens."""
    prepare, sights = enlarged(ORL_UPSCALE, ORL_PAD), defaultdict(list)
    for person, path in labelled_pictures(data / "faces" / "att_faces"):
        sights[person].append(see(pipeline, prepare(lens(cv2.imread(str(path))))))
    return dict(sights)


def see_clips(pipeline: VisionPipeline, data: Path) -> dict[str, list[list[Sight]]]:
    """Halves of the clips, each with one of its people only."""
    halves = defaultdict(list)
    for name, zones in CLIPS.items():
        seen = [see(pipeline, frame) for frame in clip_frames(data, name)]
        for _, person in zones:
            own = [_only(sight, person, zones) for sight in seen]
            for half in (own[: len(own) // 2], own[len(own) // 2 :]):
                if any(face.embedding is not None for sight in half for face in sight.faces):
                    halves[person].append(half)
    return dict(halves)


def _only(sight: Sight, person: str, zones: tuple[tuple[int, str], ...]) -> Sight:
    boxes = sight.detections.boxes
    rows = [row for row in range(len(boxes)) if person_in_zone(boxes[row], zones) == person]
    detections = Detections(boxes[rows], sight.detections.scores[rows], sight.detections.model_id)
    faces = [replace(face, person=rows.index(face.person)) for face in sight.faces if face.person in rows]
    return Sight(detections, tuple(faces))


def shared_out(sights: dict[str, list[Sight]], parts: int, robot: Callable[[int, int], str], seed: int) -> list:
    """Visits: the pictures of each person in random order, in so many parts, all visits in random order.

    :param robot: name of the robot by number of person and of part.
    """
    rng, visits = np.random.default_rng(seed), []
    for number, person in enumerate(sorted(sights)):
        order = rng.permutation(len(sights[person]))
        for part, rows in enumerate(np.array_split(order, parts)):
            visits.append(RoomVisit(person, robot(number, part), [sights[person][row] for row in rows]))
    return [visits[row] for row in rng.permutation(len(visits))]


def orl_designs(sights: dict[str, list[Sight]], seed: int = 0) -> dict[str, list[RoomVisit]]:
    """Visits by the name of the design."""
    rng = np.random.default_rng(seed)
    five = {person: sights[person] for person in rng.permutation(sorted(sights))[:5].tolist()}
    return {
        "each person at one robot": shared_out(sights, 1, lambda person, part: f"r{person}", seed),
        "at two robots": shared_out(sights, 2, lambda person, part: f"r{person}_{part}", seed),
        "twice at one robot": shared_out(sights, 2, lambda person, part: f"r{person}", seed),
        "at three robots": shared_out(sights, 3, lambda person, part: f"r{person}_{part}", seed),
        "at five robots, two pictures": shared_out(sights, 5, lambda person, part: f"r{person}_{part}", seed),
        "two visits to eight robots": shared_out(sights, 2, lambda person, part: f"r{rng.integers(8)}", seed),
        "five people, four visits each": shared_out(five, 4, lambda person, part: f"r{person}_{part}", seed),
    }


def clip_design(halves: dict[str, list[list[Sight]]]) -> list[RoomVisit]:
    """Each half of a clip at a robot of its own."""
    return [
        RoomVisit(person, f"r{person}_{number}", half)
        for person, of_person in sorted(halves.items())
        for number, half in enumerate(of_person)
    ]


def dark(picture: np.ndarray) -> np.ndarray:
    """The picture in little light, with the noise of a sensor."""
    rng = np.random.default_rng(zlib.crc32(picture.tobytes()))
    values = 255 * (picture / 255.0) ** 2.2 * 0.5 + rng.normal(0, 8, picture.shape[:2])[..., None]
    return cv2.GaussianBlur(np.clip(values, 0, 255).astype(np.uint8), (3, 3), 0)


LENSES = {"clear": lambda picture: picture, "blurred": coarse, "lit from the side": side_lit, "dark": dark}


def measure(stack: str, data: Path, lenses: Iterable[str], seed: int) -> dict[str, Outcome]:
    """The outcome of each design."""
    pipeline = build_pipeline(STACKS[stack])
    outcomes = {}
    for lens in lenses:
        for design, visits in orl_designs(see_orl(pipeline, data, LENSES[lens]), seed).items():
            outcomes[f"{lens}: {design}"] = play(visits, pipeline.contract)
    outcomes["clips, each in two halves"] = play(clip_design(see_clips(pipeline, data)), pipeline.contract)
    return outcomes


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=list(STACKS))
    parser.add_argument("--lenses", action="store_true", help="through poor lenses too")
    parser.add_argument("--seed", type=int, default=0, help="of the draws of pictures and visits")
    arguments = parse(parser)
    results = {}
    for stack in arguments.stacks:
        results[stack] = measure(stack, arguments.data, LENSES if arguments.lenses else ["clear"], arguments.seed)
        rows = [
            (
                *(name, outcome.visits, outcome.people, outcome.ids, outcome.merged),
                f"{outcome.split} ({outcome.split / outcome.people:.1%})",
                f"{outcome.found} of {outcome.pairs}",
                f"{outcome.suggested}, {outcome.wrong_suggestions} wrong",
            )
            for name, outcome in results[stack].items()
        ]
        head = (
            "design",
            "visits",
            "people",
            "ids",
            "pairs of people merged",
            "people split",
            "visits joined",
            "perhaps",
        )
        print(f"\n## {stack}\n\n{markdown_table(head, rows)}", flush=True)
        total = Counter()
        for outcome in results[stack].values():
            total.update(merged=outcome.merged, split=outcome.split)
        print(f"\nIn all {total['merged']} pairs of people merged, {total['split']} people split.")
    write_json(arguments.json, {name: {k: vars(v) for k, v in each.items()} for name, each in results.items()})


if __name__ == "__main__":
    main()
