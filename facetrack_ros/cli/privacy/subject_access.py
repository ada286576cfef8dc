"""``facetrack subject-access``: all that stored histories keep about one person, as a folder for that person."""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.config import Config, data_folder, optional_path
from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.audit_log import EXPORT
from facetrack_ros.history.layout import RobotFolder

if TYPE_CHECKING:
    from facetrack_ros.search.subject_access.export import RobotExport
    from facetrack_ros.search.subject_access.subject import Subject

# Most matches of a picture. Chosen by hand: visits of one person in a year.
_MOST_MATCHES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--image", metavar="FILE", help="a picture of the person, whose face is searched for")
    who.add_argument("--person", metavar="ID", help="a person, such as p_robot1_3, under all merged ids")
    add = parser.add_argument
    add("--data", metavar="DIR", help="folder of histories, one folder per robot; default: the setting data_dir")
    add("--config", metavar="FILE", help="settings, a YAML file: models, thresholds, folders")
    add_operator_arguments(parser)
    add("--out", required=True, metavar="DIR", help="the folder to write, which must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """Write the folder and print what is in it; return 0, 1: nothing is kept, 3: a part could not be read."""
    from facetrack_ros.cli.robot_folders import robot_folders
    from facetrack_ros.search.offline.persons import stored_merges
    from facetrack_ros.search.subject_access.export import export_subject

    config = Config.load(arguments.config)
    who = said(arguments, config)
    data = Path(arguments.data) if arguments.data else data_folder(config.data_dir)
    folders, merges, out = robot_folders(data), stored_merges(data), Path(arguments.out)
    if out.exists():
        raise StoreError(f"{out} is there already; give the folder another name")
    subject, found = _subject(arguments, data, merges)
    if not subject.ids:
        print(f"no robot below {data} keeps a face like that")
        return PARTIAL if found["not_searched"] else NOTHING_FOUND
    dirs = optional_path(config.frame_history.disk_cache_dir), optional_path(config.event_logging.dir)
    exports = export_subject(folders, subject, out, *dirs, on_robot=partial(_record, who))
    missing = [*found["not_searched"], *(sentence for export in exports for sentence in export.missing)]
    written = {
        export.robot_id: {"records": export.counts, "rules": None if export.rules is None else export.rules.as_dict()}
        for export in exports
        if any(export.counts.values())
    }
    summary = {
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "asked_for": {"picture": Path(arguments.image).name} if arguments.image else {"person": arguments.person},
        "person_ids": sorted(subject.person_ids),
        "track_ids": sorted(subject.track_ids),
        **found,
        "robots": written,
        "not_contained": missing,
    }
    (out / "subject.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    _print(out, subject, exports, missing)
    if any(export.incomplete for export in exports) or found["not_searched"]:
        return PARTIAL
    return DONE if written else NOTHING_FOUND


def _subject(arguments: argparse.Namespace, data: Path, merges) -> tuple["Subject", dict]:
    """The person asked for, and what the summary says of how it was found."""
    from facetrack_ros.search.subject_access.subject import Subject

    if arguments.person:
        return Subject(frozenset(merges.group(arguments.person))), {"not_searched": []}
    from facetrack_ros.cli import search as search_command
    from facetrack_ros.cli.search_stored import search
    from facetrack_ros.search.reference_image import read_picture

    parser = argparse.ArgumentParser()
    search_command.add_arguments(parser)
    options = ["--image", arguments.image, "--data", str(data), "--limit", str(_MOST_MATCHES)]
    options += ["--operator", arguments.operator] if arguments.operator else []
    options += ["--reason", arguments.reason] if arguments.reason else []
    config = ["--config", arguments.config] if arguments.config else []
    response = search(parser.parse_args([*options, *config]), read_picture(arguments.image), 0, 0).response
    gaps = [gap.reason for gap in response.not_searched]
    gaps += [f"{line.robot_id}: {line.error}" for line in response.robots if line.error]
    if len(response.matches) >= _MOST_MATCHES:
        gaps.append(f"more than {_MOST_MATCHES} visits match; give --person for the others")
    alike = sorted({match.person_id for match in response.alike if match.person_id})
    similarity = {
        person: round(max(match.similarity for match in response.matches if match.person_id == person), 4)
        for person in sorted({match.person_id for match in response.matches})
    }
    found = {"model_id": response.model_id, "threshold": round(response.threshold, 4), "similarity": similarity}
    return Subject.of_matches(response.matches, merges), {
        **found,
        "alike_but_another_person": len(alike),
        "not_searched": list(dict.fromkeys(gaps)),
    }


def _record(who: dict[str, str], export: "RobotExport", folder: Path) -> None:
    """Record in the robot's audit log that its data was handed out."""
    record_stored(
        RobotFolder(export.robot_id, folder), EXPORT, {**who, "what": ["subject access"], "records": export.counts}
    )


def _print(out: Path, subject: "Subject", exports: "list[RobotExport]", missing: list[str]) -> None:
    print(f"{', '.join(sorted(subject.ids))}")
    for export in exports:
        held = [f"{count} {kind.replace('_', ' ')}" for kind, count in export.counts.items() if count]
        print(f"{export.robot_id}: {', '.join(held) or 'nothing'}")
    print(f"written to {out}; people whom the detector missed may be visible in pictures: look before you hand it out")
    for sentence in missing:
        print(f"not contained: {sentence}", file=sys.stderr)
