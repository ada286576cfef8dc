"""Searches in one room: strangers filmed by one camera in one light, and what tells them from the person asked for.

    python benchmarks/one_room_search.py DATA_DIR [--stacks NAME …] [--cache DIR] [--plot FILE.png] [--json FILE]

DATA_DIR holds ``faces/att_faces``: ORL, 40 people in one room, ten pictures each, here through four lenses. Each
person has visited the room; the visit is half of the pictures, the others are references. Measured are: how a visit is
judged by its faces; similarities normalised by other people of the room against plain cosines; the default rule;
templates that tell two people apart; the false-match curve shifted to the room. All draws are seeded.
"""

from pathlib import Path

import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from one_room_faces import LENSES, STACKS, RoomFaces, room_faces
from one_room_histories import search_room

from facetrack_ros.core.similarity_level import PRIOR_PEOPLE, PRIOR_PEOPLE_OF_SPREAD, SimilarityLevel, closeness
from facetrack_ros.core.vectors import mean_by_quality
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.models.operating_points import NAMES as OPERATING_POINTS
from facetrack_ros.models.operating_points import operating_point
from facetrack_ros.search.other_people import CLEARLY_BETTER, MARGINS
from facetrack_ros.search.scene_calibration import SceneCalibration
from facetrack_ros.search.track_judgement import LEAST_COHORT, SLACK

CONTRACTS = {"mobilefacenet": catalog.MOBILEFACENET, "pip": catalog.DLIB_RESNET, "dlib": catalog.DLIB_RESNET}
#: Lens of the reference and of the room.
VIEWS = (*((lens, lens) for lens in LENSES), *(("as it is", lens) for lens in LENSES if lens != "as it is"))
#: Faces of a visit.
VISIT = 5
COHORTS = (2, 4, 9, 19, 39)
RECALLS = (0.95, 0.98, 0.99)
NONE = 10**9
#: Variants of normalisation: scale, sides (reference, visit), most alike members, people of the prior for mean, spread.
VARIANTS = {
    "reference only (Z-norm)": ("cosine", (1, 0), None, 0, 0),
    "visit only (T-norm)": ("cosine", (0, 1), None, 0, 0),
    "both (S-norm)": ("cosine", (1, 1), None, 0, 0),
    "both, 10 most alike (AS-norm)": ("cosine", (1, 1), 10, 0, 0),
    "both, with a prior": ("cosine", (1, 1), None, PRIOR_PEOPLE, PRIOR_PEOPLE_OF_SPREAD),
    "both, with a prior, log distance": ("closeness", (1, 1), None, PRIOR_PEOPLE, PRIOR_PEOPLE_OF_SPREAD),
}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=list(STACKS))
    parser.add_argument("--cache", type=Path, help="folder in which embeddings are kept for the next run")
    parser.add_argument("--plot", type=Path, help="draw the error curves")
    arguments = parse(parser)
    results, curves = {}, {}
    for stack in arguments.stacks:
        print(f"\n## {CONTRACTS[stack].id}, threshold {CONTRACTS[stack].threshold:g}")
        rooms = room_faces(arguments.data, stack, arguments.cache)
        trials = {cohort: all_trials(rooms, cohort, CONTRACTS[stack]) for cohort in COHORTS}
        results[stack] = {
            "visits": report_visits(trials[COHORTS[-1]], CONTRACTS[stack]),
            "normalised": report_normalisation(trials, CONTRACTS[stack]),
            "rule": report_rule(trials, CONTRACTS[stack]),
            "apart": report_templates(rooms, CONTRACTS[stack]),
            "scene": report_scenes(rooms, CONTRACTS[stack]),
            "searches": report_searches(rooms, CONTRACTS[stack]),
        }
        curves[stack] = trials
    if arguments.plot:
        draw(curves, arguments.plot)
    write_json(arguments.json, results)


class Trials:
    """Comparisons of references with visits, and of both with the other people of the room.

    :ivar genuine: ``(n,)`` bool; ``best``, ``several``, ``half``, ``mean``, ``template``: ``(n,)`` similarities of the
        reference to the visit's best face, its three best, its best half, all of them, and to their mean.
    :ivar reference, visit: ``(n, people)`` similarity of each to the other people's templates, NaN: not of the cohort.
    """

    def __init__(self, columns: dict[str, np.ndarray]):
        self.__dict__.update(columns)

    def same(self, values: np.ndarray) -> np.ndarray:
        return values[self.genuine]

    def other(self, values: np.ndarray) -> np.ndarray:
        return values[~self.genuine]


def all_trials(rooms: dict[str, RoomFaces], cohort: int, contract: ModelContract) -> Trials:
    """Trials of every view, in rooms of ``cohort`` + 1 people."""
    parts: dict[str, list[np.ndarray]] = {}
    for seed, (reference_lens, lens) in enumerate(VIEWS):
        rng, room = np.random.default_rng(seed), rooms[lens]
        people = rng.permutation(np.unique(room.people))
        for start in range(0, len(people) - cohort, cohort + 1):
            visits = {
                person: rng.permutation(np.flatnonzero(room.people == person))
                for person in people[start:][: cohort + 1]
            }
            add_room(parts, rooms[reference_lens], room, visits, contract)
    width = max(block.shape[1] for block in parts["reference"])
    columns = {name: np.concatenate([padded(block, width) for block in blocks]) for name, blocks in parts.items()}
    return Trials(columns)


def padded(block: np.ndarray, width: int) -> np.ndarray:
    if block.ndim == 1:
        return block
    return np.pad(block, ((0, 0), (0, width - block.shape[1])), constant_values=np.nan)


def add_room(parts: dict, references: RoomFaces, room: RoomFaces, visits: dict, contract: ModelContract) -> None:
    """Add the trials of one room."""
    rows = {person: order[: min(VISIT, max(1, len(order) // 2))] for person, order in visits.items()}
    templates = np.array(
        [mean_by_quality(room.embeddings[rows[person]], room.qualities[rows[person]]) for person in rows]
    )
    used = {(person, picture) for person in rows for picture in room.pictures[rows[person]]}
    asked = [
        number
        for number, name in enumerate(zip(references.people, references.pictures))
        if name[0] in rows and name not in used
    ]
    to_people = references.embeddings[asked] @ templates.T
    between = templates @ templates.T
    for number, person in enumerate(rows):
        faces = np.sort(references.embeddings[asked] @ room.embeddings[rows[person]].T, axis=1)[:, ::-1]
        keep = (to_people < contract.threshold) & (between[number] < contract.threshold)
        keep[:, number] = False
        columns = {
            "genuine": references.people[asked] == person,
            "best": faces[:, 0],
            "several": faces[:, :3].mean(axis=1),
            "half": faces[:, : (faces.shape[1] + 1) // 2].mean(axis=1),
            "mean": faces.mean(axis=1),
            "template": to_people[:, number],
            "reference": np.where(keep, to_people, np.nan),
            "visit": np.where(keep, between[number], np.nan),
        }
        for name, values in columns.items():
            parts.setdefault(name, []).append(values)


def normalised(trials: Trials, variant: tuple, contract: ModelContract) -> np.ndarray:
    """Similarities of the templates by a variant of :data:`VARIANTS`."""
    scale, sides, most, of_mean, of_spread = variant
    level = SimilarityLevel.of_curve(contract.false_match_curve)
    change = closeness if scale == "closeness" else np.asarray
    mean, spread = level.mean, level.deviation
    if scale == "cosine":
        mean, spread = 1 - np.exp(-level.mean), level.deviation * np.exp(-level.mean)
    total = np.zeros(len(trials.template))
    for side, others in zip(sides, (trials.reference, trials.visit)):
        if side:
            members = -np.sort(-others, axis=1)[:, :most] if most else others
            total += scores(change(trials.template), change(members), mean, spread, of_mean, of_spread)
    return total / sum(sides)


def scores(
    values: np.ndarray, members: np.ndarray, mean: float, spread: float, of_mean: float, of_spread: float
) -> np.ndarray:
    """Values in standard deviations above their cohort, as :meth:`SimilarityLevel.updated` counts them."""
    known = ~np.isnan(members)
    count = known.sum(axis=1)
    filled = np.where(known, members, 0)
    seen = filled.sum(axis=1) / np.maximum(count, 1)
    squares = np.where(known, (members - seen[:, None]) ** 2, 0).sum(axis=1)
    level = (filled.sum(axis=1) + of_mean * mean) / np.maximum(count + of_mean, 1)
    # Without a prior the spread of one member is unknown: that of the model stands in.
    deviation = np.sqrt((squares + of_spread * spread**2) / np.maximum(count - (not of_spread) + of_spread, 1))
    return (values - level) / np.where(deviation > 1e-3, deviation, spread)


def false_matches(same: np.ndarray, other: np.ndarray, recall: float) -> float:
    """Share of ``other`` at or above the threshold that finds a share of ``same``."""
    return float((other >= np.quantile(same, 1 - recall)).mean())


def found_at(same: np.ndarray, other: np.ndarray, rate: float) -> float:
    """Share of ``same`` above the threshold that a share ``rate`` of ``other`` reaches."""
    return float((same > np.quantile(other, 1 - rate)).mean())


def equal_error(same: np.ndarray, other: np.ndarray) -> float:
    """Error rate at the threshold where both are equal."""
    at = np.unique(np.concatenate([same, np.quantile(other, np.linspace(0.5, 1, 2001))]))
    missed, taken = (same[:, None] < at).mean(axis=0), 1 - np.searchsorted(np.sort(other), at, "left") / len(other)
    row = int(np.abs(missed - taken).argmin())
    return float((missed[row] + taken[row]) / 2)


def measures(same: np.ndarray, other: np.ndarray) -> dict:
    return {
        "found at 1 %": found_at(same, other, 0.01),
        "at 0.1 %": found_at(same, other, 0.001),
        "equal error": equal_error(same, other),
        **{f"false at recall {recall:g}": false_matches(same, other, recall) for recall in RECALLS},
    }


def report_visits(trials: Trials, contract: ModelContract) -> list[dict]:
    """How a visit is judged by its faces."""
    ways = {
        "best face": trials.best,
        "mean of the 3 best": trials.several,
        "mean of the better half": trials.half,
        "mean of all": trials.mean,
        "template": trials.template,
        "lower of best face and template": np.minimum(trials.best, trials.template),
    }
    rows = []
    for name, values in ways.items():
        same, other = trials.same(values), trials.other(values)
        at = {"found": float((same >= contract.threshold).mean()), "false": int((other >= contract.threshold).sum())}
        rows.append({"visit": name, **measures(same, other), **at})
    own = int(trials.genuine.sum())
    print(f"\n### A visit of {VISIT} faces: {own} of the person, {len(trials.genuine) - own} of others\n")
    print_rows(rows)
    return rows


def report_normalisation(trials: dict[int, Trials], contract: ModelContract) -> list[dict]:
    """Plain cosine against similarities normalised by other people."""
    rows = []
    for cohort, of in trials.items():
        rows.append({"people": cohort, "similarity": "cosine", **measures(of.same(of.template), of.other(of.template))})
        for name, variant in VARIANTS.items():
            values = normalised(of, variant, contract)
            rows.append({"people": cohort, "similarity": name, **measures(of.same(values), of.other(values))})
    print("\n### Similarities normalised by other people of the room\n")
    print_rows(rows)
    return rows


def report_rule(trials: dict[int, Trials], contract: ModelContract) -> list[dict]:
    """Matches by the default rule, by the number of other people."""
    level = SimilarityLevel.of_curve(contract.false_match_curve)
    wanted = level.standard(contract.threshold)
    rows = []
    for cohort, of in trials.items():
        value = normalised(of, VARIANTS["both, with a prior, log distance"], contract)
        few = (~np.isnan(of.reference)).sum(axis=1) < LEAST_COHORT
        best, both = of.best >= contract.threshold, np.minimum(of.best, of.template) >= contract.threshold
        rules = {"best face": best, "and template": both}
        rules |= {
            f"and normalised, slack {slack:g}": both & (few | (value >= wanted - slack)) for slack in (0, SLACK, 0.6)
        }
        for name, matched in rules.items():
            found, false = float(of.same(matched).mean()), int(of.other(matched).sum())
            rows.append(
                {"people": cohort, "rule": name, "found": found, "false": false, "of": int((~of.genuine).sum())}
            )
    print("\n### Matches at the default threshold\n")
    print_rows(rows)
    return rows


def report_templates(rooms: dict[str, RoomFaces], contract: ModelContract) -> list[dict]:
    """Two visits, under any two lenses, that match one reference: how alike the templates are."""
    rows = []
    for name in OPERATING_POINTS:
        threshold = operating_point(contract, name).threshold
        for faces in (1, 2, 3, 4):
            pairs = np.concatenate(
                [
                    visit_pairs(rooms[one], rooms[two], faces, threshold, np.random.default_rng(seed))
                    for seed, (one, two) in enumerate((one, two) for one in LENSES for two in LENSES for _ in range(3))
                ]
            )
            same, other = (pairs[pairs[:, 0] == of, 1] for of in (1, 0))
            shares = {
                f"{kind} below {margin:g}": float((values < threshold + margin * (1 - threshold)).mean())
                for margin in sorted({0.0, *MARGINS.values()})
                for kind, values in (("one", same), ("two", other))
                if len(values)
            }
            counts = {"of one person": len(same), "of two": len(other)}
            rows.append({"operating point": name, "faces": faces, **counts, **shares})
    print("\n### Templates of two visits that match one reference, the best clearly better\n")
    print("Shares of pairs below the threshold, and below that plus a share of its distance to 1.\n")
    print_rows([row for row in rows if row["of two"]])
    return rows


def visit_pairs(one: RoomFaces, two: RoomFaces, faces: int, threshold: float, rng: np.random.Generator) -> np.ndarray:
    """``(n, 2)``: whether both visits are of one person, and the similarity of their templates."""
    rows = {person: rng.permutation(np.flatnonzero(one.people == person)) for person in np.unique(one.people)}
    rows = {person: order for person, order in rows.items() if len(order) > 2 * faces}
    before, after = {}, {}
    for person, order in rows.items():
        first = order[1 : 1 + faces]
        before[person] = mean_by_quality(one.embeddings[first], one.qualities[first])
        used = {*one.pictures[order[: 1 + faces]]}
        free = [row for row in np.flatnonzero(two.people == person) if two.pictures[row] not in used]
        if len(free) >= faces:
            second = rng.permutation(free)[:faces]
            after[person] = mean_by_quality(two.embeddings[second], two.qualities[second])
    found = []
    for person, order in rows.items():
        best = float(one.embeddings[order[0]] @ before[person])
        for visitor, template in after.items():
            similarity = float(one.embeddings[order[0]] @ template)
            if similarity >= threshold and best - similarity >= CLEARLY_BETTER * (1 - threshold):
                found.append((person == visitor, float(before[person] @ template)))
    return np.array(found, float).reshape(-1, 2)


def report_scenes(rooms: dict[str, RoomFaces], contract: ModelContract) -> list[dict]:
    """The false-match rate of the other people of a room by the model's curve, and by that shifted to the room."""
    thresholds = [contract.threshold - share * (1 - contract.threshold) for share in (0.1, 0.2)]
    rows = [
        {"room": lens, "seen together": people, **scene_rates(room, people, threshold, contract)}
        for lens, room in rooms.items()
        for people in (0, 2, 5, 10, 20)
        for threshold in thresholds
    ]
    print("\n### False-match rate of a room, by people seen together there, means of 40 draws\n")
    print_rows(rows)
    return rows


def scene_rates(room: RoomFaces, seen: int, threshold: float, contract: ModelContract) -> dict:

    rng, names = np.random.default_rng(seen), np.unique(room.people)
    counted, model, shifted, covered = [], [], [], []
    for _ in range(40):
        order = rng.permutation(names)
        scene = scene_of(room, order[:seen])
        others = np.isin(room.people, order[seen:])
        vectors, people = room.embeddings[others], room.people[others]
        true = float(((vectors @ vectors.T) >= threshold)[people[:, None] != people].mean())
        calibration = SceneCalibration.of(scene, contract)
        own = false_match_rate(contract, threshold).rate
        there = [own, own]
        if calibration is not None:
            there = [false_match_rate(contract, calibration.equivalent(threshold, errors)).rate for errors in (0, 1.96)]
        counted.append(true)
        model.append(own)
        shifted.append(max(own, there[0]))
        covered.append(max(own, there[1]) >= true)
    rates = {"counted": counted, "by the model": model, "by the room": shifted, "upper end covers": covered}
    return {"threshold": threshold, **{name: float(np.mean(each)) for name, each in rates.items()}}


def scene_of(room: RoomFaces, people: np.ndarray) -> Scene:
    """The scene of people who were seen together."""
    found, weights = [np.empty(0)], [np.empty(0)]
    for number, person in enumerate(people):
        for other in people[:number]:
            rows = [np.flatnonzero(room.people == each)[:VISIT] for each in (person, other)]
            pairs = (room.embeddings[rows[0]] @ room.embeddings[rows[1]].T).ravel()
            found.append(pairs)
            weights.append(np.full(len(pairs), 1 / len(pairs)))
    similarities, order = np.concatenate(found), np.argsort(np.concatenate(found))
    none = np.empty((0, room.embeddings.shape[1]), np.float32)
    return Scene({}, (), none, similarities[order], np.concatenate(weights)[order], len(people))


def report_searches(rooms: dict[str, RoomFaces], contract: ModelContract) -> list[dict]:
    """Searches of a robot that saw all 40 people, one after another, for two pictures of each that it did not see."""
    rows = [
        {
            "room": lens,
            "operating point": name,
            **search_room(room, operating_point(contract, name).threshold, contract),
        }
        for lens, room in rooms.items()
        for name in OPERATING_POINTS
    ]
    print("\n### Searches of a stored history, as facetrack search runs them\n")
    print("By the best face alone, as before, and by the default rule; what it sets apart is listed as alike.\n")
    print_rows(rows)
    return rows


def print_rows(rows: list[dict]) -> None:
    """Rows of equal keys as a table."""
    print(markdown_table(list(rows[0]), [list(map(shown, row.values())) for row in rows]))


def shown(value: object) -> object:
    """A value of a table."""
    return (f"{value:.2e}" if 0 < value < 0.01 else f"{value:.4f}") if isinstance(value, float) else value


def draw(curves: dict[str, dict[int, Trials]], path: Path) -> None:
    """Draw recall over false-match rate: best face, template, normalised template; 5 and 40 people."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5.5), dpi=100)
    panels = figure.subplots(1, len(curves) * 2, squeeze=False)[0]
    for axes, (stack, cohort) in zip(panels, [(stack, cohort) for stack in curves for cohort in (4, 39)]):
        trials = curves[stack][cohort]
        value = normalised(trials, VARIANTS["both, with a prior, log distance"], CONTRACTS[stack])
        lines = {"best face": trials.best, "template": trials.template, "template, normalised": value}
        for (name, values), colour in zip(lines.items(), ("#b23a2e", "#2458a6", "#0f6b57")):
            same, other = np.sort(trials.same(values)), np.sort(trials.other(values))
            at = other[-max(2, len(other) // 50) :]
            rate = (len(at) - np.arange(len(at))) / len(other)
            axes.plot(rate, 1 - np.searchsorted(same, at, "right") / len(same), label=name, color=colour)
        axes.set(
            xscale="log", ylim=(0.9, 1.002), xlabel="false-match rate", title=f"{stack}, {cohort + 1} people in a room"
        )
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share of visits found")
    panels[-1].legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
