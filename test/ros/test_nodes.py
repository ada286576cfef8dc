"""A process a node, over topics alone, gives what one process gives."""

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.layout import history_folders
from facetrack_ros.nodes.conversion.time import to_ns


def test_every_node_in_a_process_of_its_own(processes, stage, tmp_path, monkeypatch):
    data = tmp_path / "data"
    ros = ["-r", "__ns:=/robot1", "-p", f"data_dir:={data}", "-p", "cameras:=['rear']"]
    started = [
        processes.node(node, *ros) for node in ("detector", "embedder", "tracker", "history", "search", "overlay")
    ]
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient() as asker:
        overlays, stamps = [], []
        asker.on_overlay("robot1", "rear", overlays.append)
        asker.on_event("robot1", lambda event: stamps.append(to_ns(event.header.stamp)))
        names = {"detector", "embedder", "tracker", "history", "search", "overlay"}
        processes.wait_until(
            lambda: names <= set(asker.node.get_node_names()), lambda: f"up: {asker.node.get_node_names()}"
        )
        camera = processes.node("camera", *ros, "-p", "camera:=rear", "-p", f"source:={stage.clips['robot1', 'rear']}")
        camera.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
        processes.wait_until(lambda: len(stamps) >= 2, "one person in and out", alive=started[2].popen)
        assert overlays
        assert bytes(overlays[0].data[:2]) == b"\xff\xd8"
    code, answer = processes.search("--robot", "robot1", "--image", stage.references["Grace Hopper"])
    assert code == 0, answer
    assert {(match["robot_id"], match["camera_id"]) for match in answer["matches"]} == {("robot1", "rear")}
    for process in (*started, camera):
        assert process.interrupt() == 0, process.said()
        assert "Traceback" not in process.said(), process.said()
    events = [event["event"] for folder in history_folders(data) for event in read_events(folder.path)]
    assert events.count("PERSON_IN") == events.count("PERSON_OUT") == 1


def test_frames_that_the_detector_passes_over_get_tracks_in_their_turn(graph, tmp_path):
    import numpy as np

    from facetrack_ros.config import Config
    from facetrack_ros.core.detections import Detections
    from facetrack_ros.core.frame import Frame
    from facetrack_ros.nodes.conversion.vision import detections_to_message, faces_to_message
    from facetrack_ros.nodes.tracker_node import TrackerNode

    graph.start()
    tracker = TrackerNode(robot_id="robot1", cameras=("front",), config=Config({"data_dir": str(tmp_path)}))
    told = []
    tracker.track_listeners.append(
        lambda frame, tracks: told.append((frame.number, [track.bbox[0] for track in tracks]))
    )
    tracker.start_up()

    def frame(number):
        return Frame("front", 10**18 + number * 10**8, number, b"")

    def looked(number):
        box = np.array([[100 + 10 * number, 100, 200 + 10 * number, 400]], np.float32)
        tracker._on_detections_message(
            detections_to_message(frame(number), Detections(box, np.ones(1, np.float32), "a model"))
        )

    def faces_of(number):
        tracker._on_faces_message(faces_to_message(frame(number), "mobilefacenet_foamliu", ()))
        tracker._worker.drain()

    for number in (0, 2):
        looked(number)
        tracker._on_detections_message(detections_to_message(frame(number + 1), Detections.none("")))
        tracker._worker.drain()
        assert len(told) == number, "it waits for the frame before it, as that waits for its faces"
        faces_of(number)
    assert [number for number, _ in told] == [0, 1, 2, 3]
    boxes = {number: boxes for number, boxes in told}
    assert boxes[3] == [130.0], "carried on at the speed of the last two looks"
    tracker.end()
    tracker.destroy_node()


def test_a_detector_by_itself_decodes_no_more_of_a_frame_than_its_model_needs(graph):
    from types import SimpleNamespace

    import numpy as np

    from facetrack_ros.core.detections import Detections
    from facetrack_ros.core.frame import Frame, encode_jpeg
    from facetrack_ros.nodes.detector_node import DetectorNode
    from facetrack_ros.nodes.embedder_node import EmbedderNode
    from facetrack_ros.vision.pipeline_pool import PipelinePool
    from facetrack_ros.vision.settings import VisionSettings

    class Persons:
        batches, contract, shown = False, SimpleNamespace(id="a model"), []

        def describe(self):
            return {}

        def reduction(self, width, height):
            return width // 32

        def detect(self, images):
            self.shown += [image.shape[:2] for image in images]
            return [Detections(np.array([[1, 2, 3, 4]], np.float32), np.ones(1, np.float32), "a model")] * len(images)

        def faces(self, image, detections, selection=None):
            return ()

    def boxes(frame, **options):
        detector = DetectorNode(
            PipelinePool(VisionSettings(), build=lambda _: Persons()), robot_id="robot1", cameras=("front",), **options
        )
        seen = []
        detector.listeners.append(lambda _, what: seen.append(what.detections.boxes.tolist()))
        detector.start_up()
        detector.on_frame(frame)
        detector.drain()
        detector.end()
        detector.destroy_node()
        return seen

    graph.start()
    jpeg = encode_jpeg(np.zeros((48, 64, 3), np.uint8))
    frame = Frame("front", 1, 0, jpeg)
    assert boxes(frame) == [[[2, 4, 6, 8]]]
    assert Persons.shown == [(24, 32)]
    assert not frame.decoded
    embedder = EmbedderNode(subscribe=False, robot_id="robot1", cameras=("front",))
    assert boxes(frame, embedder=embedder) == [[[1, 2, 3, 4]]]
    assert Persons.shown[1:] == [(48, 64)]
    assert frame.decoded
    embedder.destroy_node()
