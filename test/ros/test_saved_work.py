"""Saved work: no faces on a low battery, no embedding of faces that improve nothing."""

from sensor_msgs.msg import BatteryState

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.conversion.time import to_ns


def on_the_domain(processes, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])


def test_on_a_low_battery_persons_are_tracked_without_faces(processes, stage, tmp_path, monkeypatch):
    (tmp_path / "loop.yaml").write_text("camera: {loop: true}")
    robot = processes.robot(
        "robot1", tmp_path / "data", rear=stage.clips["robot1", "rear"], config=tmp_path / "loop.yaml"
    )
    on_the_domain(processes, monkeypatch)
    with FleetClient() as asker:
        faces, tracks = [], []
        asker.node.create_subscription(msg.Faces, "/robot1/rear/faces", faces.append, RELIABLE)
        asker.node.create_subscription(msg.Tracks, "/robot1/rear/tracks", tracks.append, RELIABLE)
        battery = asker.node.create_publisher(BatteryState, "/robot1/battery_state", SENSOR_DATA)

        def charge(level):
            battery.publish(BatteryState(percentage=level))

        def embedded(messages):
            return sum(len(face.embedding) > 0 for message in messages for face in message.faces)

        processes.wait_until(lambda: embedded(faces), "a face is embedded", alive=robot.popen)

        def charge_until(level, line):
            """Publish until it is logged, since a best-effort message may be lost."""
            processes.wait_until(lambda: (charge(level), line in robot.said())[1], line, alive=robot.popen)

        for level in (0.15, 0.22):
            charge_until(level, "face work stops")
            before, later_tracks = len(faces), len(tracks) + 5
            processes.wait_until(
                lambda start=later_tracks: any(message.tracks for message in tracks[start:]),
                "a person is tracked",
                alive=robot.popen,
            )
            assert embedded(faces[before + 2 :]) == 0
        charge_until(0.4, "face work resumes")
        assert robot.said().count("face work stops") == 1
        seen = len(faces)
        processes.wait_until(lambda: embedded(faces[seen:]), "a face is embedded again", alive=robot.popen)
        charge(57.0)
        robot.wait_until(
            lambda said: "gives a charge of 57, which is not within 0 to 1" in said, "the odd charge is logged"
        )
    assert robot.interrupt() == 0, robot.said()


def test_faces_that_improve_nothing_are_not_embedded_over_topics(processes, stage, tmp_path, monkeypatch):
    ros = f"-r __ns:=/robot1 -p data_dir:={tmp_path}/data -p cameras:=['rear'] -p faces.embed:=improving".split()
    started = [processes.node(node, *ros) for node in ("detector", "embedder", "tracker")]
    on_the_domain(processes, monkeypatch)
    with FleetClient() as asker:
        faces, tracks = [], []
        asker.node.create_subscription(
            msg.Faces, "/robot1/rear/faces", lambda message: faces.extend(message.faces), RELIABLE
        )
        asker.node.create_subscription(
            msg.Tracks,
            "/robot1/rear/tracks",
            lambda message: tracks.extend((to_ns(message.header.stamp), track) for track in message.tracks),
            RELIABLE,
        )
        processes.wait_until(
            lambda: {"detector", "embedder", "tracker"} <= set(asker.node.get_node_names()), "all are up"
        )
        camera = processes.node("camera", *ros, "-p", "camera:=rear", "-p", f"source:={stage.clips['robot1', 'rear']}")
        camera.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
        processes.wait_until(
            lambda: any(track.person_id for _, track in tracks), "the person is known", alive=started[2].popen
        )
    stamps = [stamp for stamp, track in tracks if track.state == msg.Track.TRACKING]
    seen_s = (max(stamps) - min(stamps)) / 1e9
    # The first three, then at most twice a second while they improve and once a second in any case, of six a second.
    assert 3 <= sum(len(face.embedding) > 0 for face in faces) <= 3 + 3 * seen_s
    for process in (*started, camera):
        assert process.interrupt() == 0, process.said()
