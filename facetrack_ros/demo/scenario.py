"""The steps of the demo."""

import json
import os
import re
import shutil
import signal
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.config import Config
from facetrack_ros.demo.clip_writer import ClipWriter
from facetrack_ros.demo.comparison import Finding, FramesOfClip, compare_events, compare_partial, compare_response
from facetrack_ros.demo.fleet import RobotProcess, run_search
from facetrack_ros.demo.staging import Stage, make_stage
from facetrack_ros.errors import FacetrackError, RequestError, SourceError
from facetrack_ros.history.events.format import event_to_dict, read_events
from facetrack_ros.history.events.text import event_line
from facetrack_ros.history.layout import history_folders
from facetrack_ros.models.summary import description_lines
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import event_from_message, not_analyzed
from facetrack_ros.security.keys_folder import KEYS_VARIABLE
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import vision_settings

UP_WITHIN_S = 30.0
FREE_DOMAIN_TRIES = 5
# The demo's domains: above those that people commonly set by hand, up to 101, the highest whose ports lie below the
# ephemeral ones.
LOWEST_DOMAIN, DOMAINS = 80, 22
LISTEN_S = 1.0
# A clip has ended when its camera's newest stamp is unchanged for this long.
STILL_S = 2.5
ANSWER_WITHIN_S = 5.0
# Time of the service call itself, on a computer that is busy with other work.
OWN_WORK_S = 5.0
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".gif")
CAMERA_NAMES = ("front", "rear", "left", "right")
# Most persons searched for when nothing was staged.
MOST_SEARCHES = 6


class DemoScenario:
    """Two robots, three cameras, one search.

    :param out: an empty folder for the results.
    :param clips: a folder of videos; None: the staged clips.
    :param stack: stops the robots and closes files when it is closed.
    """

    def __init__(self, out: Path, clips: Path | None, stack: ExitStack):
        self._out, self._stack = out, stack
        self._stage: Stage | None = None
        self._robots: dict[str, RobotProcess] = {}
        self._clips_folder = clips
        self._counts = {"in": 0, "out": 0}
        self._analysed: dict[tuple[str, str], list[float]] = defaultdict(list)

    def play(self) -> bool | None:
        """Run all steps; whether the results agree with what was staged, None if only some could be compared."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        os.environ[KEYS_VARIABLE] = str(self._out / "no_keys")  # the demo's robots are no members of a fleet
        cameras = self._set_the_stage()
        self._title("The models, as found on this machine:")
        for line in description_lines(build_pipeline(vision_settings(Config())).describe()):
            print(f"  {line}")
        # Models are downloaded by now; the robots need not try again.
        os.environ["FACETRACK_DOWNLOAD"] = "0"
        client = self._stack.enter_context(self._free_domain())
        self._start_robots(client, cameras)
        starts = self._watch(client)
        return self._report(self._search_seen() if self._stage is None else self._search_staged(self._stage, starts))

    def _title(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def _set_the_stage(self) -> dict[str, dict[str, str]]:
        cameras: dict[str, dict[str, str]]
        if self._clips_folder is None:
            self._title("Staging three clips: two people walk past two robots")
            self._stage = make_stage(self._out / "clips")
            cameras = {}
            for (robot, camera), clip in self._stage.clips.items():
                cameras.setdefault(robot, {})[camera] = str(clip)
            return cameras
        if not self._clips_folder.is_dir():
            raise SourceError(f"{self._clips_folder} is no folder of videos")
        videos = sorted(file for file in self._clips_folder.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
        if len(videos) < 2:
            raise SourceError(
                f"{self._clips_folder} holds {len(videos)} videos ({', '.join(VIDEO_SUFFIXES)}); "
                "the demo needs two or more"
            )
        # The first of every three goes to robot2, so that robot1 has two cameras of three.
        cameras = {"robot1": {}, "robot2": {}}
        for number, video in enumerate(videos):
            robot = "robot2" if number % 3 == 1 else "robot1"
            count = len(cameras[robot])
            cameras[robot][CAMERA_NAMES[count] if count < len(CAMERA_NAMES) else f"camera{count + 1}"] = str(video)
        for robot, sources in cameras.items():
            for camera, source in sources.items():
                print(f"  {robot}/{camera}: {Path(source).name}")
        return cameras

    def _free_domain(self) -> FleetClient:
        """A client on a domain without robots: the one that is set, or else one of this demo's choice.

        :raises RequestError: robots are at work there.
        """
        given = os.environ.get("ROS_DOMAIN_ID")
        for attempt in range(FREE_DOMAIN_TRIES):
            domain = given or str(LOWEST_DOMAIN + (os.getpid() + 5 * attempt) % DOMAINS)
            os.environ["ROS_DOMAIN_ID"] = domain
            with FleetClient() as client:
                taken = list(client.roster()) if client.wait_for(bool, LISTEN_S) else []
            if not taken:
                return FleetClient()
            if given:
                break
        raise _crowded(taken)

    def _start_robots(self, client: FleetClient, cameras: dict[str, dict[str, str]]) -> None:
        self._title(f"Starting {len(cameras)} robots, a process each, on ROS domain {os.environ['ROS_DOMAIN_ID']}")
        for robot, sources in cameras.items():
            client.on_event(robot, self._on_event)
            self._robots[robot] = RobotProcess(robot, sources, self._out / "data", self._out / f"{robot}.log")
            self._stack.callback(self._robots[robot].stop)
            print(f"  {robot}: process {self._robots[robot].pid}, cameras {', '.join(sources)}", flush=True)
        writer = self._stack.enter_context(closing(ClipWriter(self._out / "robot1_front.mp4")))
        add = writer.add
        client.on_overlay("robot1", "front", lambda image: add(to_ns(image.header.stamp), bytes(image.data)))
        for place in ((robot, camera) for robot, sources in cameras.items() for camera in sources):
            client.on_detections(*place, partial(self._on_detections, place))
        deadline = time.monotonic() + UP_WITHIN_S
        while not client.wait_for(lambda roster: set(self._robots) <= set(roster), 0.5):
            self._check_robots(client)
            if time.monotonic() > deadline:
                raise FacetrackError(f"the robots were not up within {UP_WITHIN_S:.0f} s; see {self._out}/robot*.log")

    def _check_robots(self, client: FleetClient) -> None:
        """Check that exactly the demo's robots run.

        :raises FacetrackError: a robot has ended, or there are others on this ROS domain.
        """
        for robot in self._robots.values():
            robot.check()
        others = client.other_robots(self._robots)
        if others:
            raise _crowded(others)

    def _on_detections(self, place: tuple[str, str], message: msg.Detections) -> None:
        if not not_analyzed(message):
            self._analysed[place].append(to_ns(message.header.stamp) / 1e9)

    def _on_event(self, message: msg.PersonEvent) -> None:
        event = event_from_message(message)
        self._counts["in"] += event.event == "PERSON_IN"
        self._counts["out"] += event.event == "PERSON_OUT"
        print(f"  {event_line(event_to_dict(event))}", flush=True)

    def _watch(self, client: FleetClient) -> dict[tuple[str, str], float]:
        """Wait for the end of the clips; stamp of each clip's first frame, seconds since the epoch."""
        self._title("The cameras run; events:")
        newest: dict[tuple[str, str], int] = {}
        changed = time.monotonic()
        deadline, first_frames = time.monotonic() + 600.0, time.monotonic() + UP_WITHIN_S
        expected = {(robot, camera) for robot, process in self._robots.items() for camera in process.cameras}
        while time.monotonic() < deadline:
            client.wait_for(lambda roster: False, 0.25)
            self._check_robots(client)
            seen = {
                (robot, camera.camera_id): to_ns(camera.newest)
                for robot, line in client.roster().items()
                for camera in line.cameras
            }
            if not set(seen) >= expected and time.monotonic() > first_frames:
                missing = ", ".join("/".join(place) for place in sorted(expected - set(seen)))
                raise FacetrackError(f"no frames from {missing} within {UP_WITHIN_S:.0f} s; see {self._out}/robot*.log")
            if seen != newest:
                newest, changed = seen, time.monotonic()
            over = set(seen) >= expected and time.monotonic() - changed > STILL_S
            if over and (self._counts["in"] == self._counts["out"] or time.monotonic() - changed > STILL_S + 3.0):
                break
        return {
            (robot, camera.camera_id): to_ns(camera.oldest) / 1e9
            for robot, line in client.roster().items()
            for camera in line.cameras
        }

    def _search(self, robot: str, reference: list[str], out: Path) -> tuple[int, dict, str]:
        """Search in a separate process; exit code, response and output."""
        code, output = run_search(["--robot", robot, *reference, "--timeout", str(ANSWER_WITHIN_S), "--out", str(out)])
        if not (out / "answer.json").exists():
            raise FacetrackError(f"the search failed: {output.strip()}")
        return code, json.loads((out / "answer.json").read_text()), output

    def _search_staged(self, stage: Stage, starts: dict[tuple[str, str], float]) -> list[Finding]:
        findings = []
        frames = {place: FramesOfClip(start, self._analysed[place]) for place, start in starts.items()}
        first, *others = stage.references.items()
        for (person, reference), robot, folder in ((first, "robot1", "."), (others[0], "robot2", "second_question")):
            self._title(f"Asking {robot}: who saw {person}?")
            code, response, output = self._search(robot, ["--image", str(reference)], self._out / folder)
            print(output.rstrip())
            findings.append(Finding(code == 0, f"every robot answered about {person}"))
            findings += compare_response(person, response, stage.visits, frames)
        person, reference = first
        findings += self._kill_and_search(["--image", str(reference)])
        events = [event for folder in history_folders(self._out / "data") for event in read_events(folder.path)]
        return findings + compare_events(events, stage.visits, frames)

    def _search_seen(self) -> list[Finding]:
        """Search for the persons seen, and show the one with most places."""
        events = [event for folder in history_folders(self._out / "data") for event in read_events(folder.path)]
        people = list(dict.fromkeys(event["person_id"] for event in events if event["event"] == "PERSON_IN"))
        best, shown = -1, None
        for person in people[:MOST_SEARCHES]:
            folder = self._out / "questions" / person
            try:
                _, response, output = self._search("robot1", ["--person", person], folder)
            except FacetrackError:
                continue  # no usable face of this person
            places = len({(match["robot_id"], match["camera_id"]) for match in response["matches"]})
            if places > best:
                best, shown = places, (person, output, folder)
        if shown is None:
            self._title(f"{len(people)} people were seen, none with a usable face")
            return []
        person, output, folder = shown
        self._title(
            f"Asking robot1 about the {min(len(people), MOST_SEARCHES)} people seen first; "
            f"{person} was seen in most places:"
        )
        print(output.rstrip())
        for name in ("index.html", "answer.json", "timeline.png"):
            shutil.copy(folder / name, self._out / name)
        return self._kill_and_search(["--person", person])

    def _kill_and_search(self, reference: list[str]) -> list[Finding]:
        self._title("Killing robot2 (SIGKILL) and asking robot1 again")
        self._robots["robot2"].kill()
        code, response, output = self._search("robot1", reference, self._out / "after_the_kill")
        print(output.rstrip())
        match = re.search(r"answered after ([0-9.]+) s", output)
        seconds = float(match[1]) if match else float("inf")
        partial = Finding(code == 3, f"exit code {code} says that a robot did not answer")
        deadline_s = ANSWER_WITHIN_S + OWN_WORK_S
        return [partial, *compare_partial(response, "robot2", seconds, deadline_s, self._stage is not None)]

    def _report(self, findings: list[Finding]) -> bool | None:
        staged, unstaged = "Found, compared with staged:", "Nothing was staged to compare with; what can be checked:"
        self._title(unstaged if self._stage is None else staged)
        words = {True: "agrees      ", False: "DIFFERS     ", None: "not compared"}
        for finding in findings:
            print(f"  {words[finding.agrees]}  {finding.sentence}")
        if not all(finding.agrees is not False for finding in findings):
            print("\nSomething differs.")
            return False
        slow = sum(finding.agrees is None for finding in findings)
        if slow:
            print(f"\nThis computer was too slow, or too busy, for {slow} comparisons; all others agree.")
            return None
        print("\nAll agrees.")
        return True


def _crowded(robots: list[str]) -> RequestError:
    return RequestError(
        f"ROS domain {os.environ['ROS_DOMAIN_ID']} has robots already ({', '.join(robots)}): set another ROS_DOMAIN_ID"
    )
