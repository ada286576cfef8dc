"""A fleet with a fleet file, over DDS: members are served, and nobody else's messages have an effect."""

import os
import random
import time

import numpy as np
import pytest
import rclpy
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from robot_processes import free_domain, wait_until

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.client.mesh_search import MeshSearch
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.kinds import FRAMES, LIST_PEOPLE
from facetrack_ros.errors import ConfigError, RequestError
from facetrack_ros.history.audit.audit_log import ENROLMENT, REMOVAL, REQUEST, SEARCH, AuditLog
from facetrack_ros.models import catalog
from facetrack_ros.nodes.base.fleet_channel import SignedCall, envelope_to_message
from facetrack_ros.nodes.base.fleet_rules import SERVICES, TOPICS
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.search.fleet.fleet_answer import DONE
from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.keys_folder import membership_of

MODEL, DIMENSION = "mobilefacenet_foamliu", 128
FACE = np.random.default_rng(1).normal(size=DIMENSION).astype(np.float32)
FACE /= np.linalg.norm(FACE)
THUMBNAIL = b"\xff\xd8" + bytes(range(256)) * 4
MESSAGES = int(os.environ.get("FACETRACK_HOSTILE_MESSAGES", "1000"))
MEGABYTES = 30


class ClosedFleet:
    """robot1 and robot2 in this process, the operators alice (all) and bob (frames), and a stranger's node."""

    def __init__(self, folder):
        self.folder, self.nodes = folder, []
        founder = Identity.new("founder")
        fleet = FleetFile.new("warehouse", founder)
        for name, kind, may in (
            ("robot1", ROBOT, ()),
            ("robot2", ROBOT, ()),
            ("alice", OPERATOR, ("search", "frames", "enrol", "merge")),
            ("bob", OPERATOR, ("frames",)),
        ):
            identity = Identity.new(name)
            identity.write(folder / f"{name}.key")
            fleet = fleet.with_member(founder, name, kind, identity.public, may)
        fleet.write(folder / "fleet.yaml", founder, time.time_ns())

    def config(self, name):
        keys = {"security.fleet_file": f"{self.folder}/fleet.yaml", "security.key_file": f"{self.folder}/{name}.key"}
        return Config({"data_dir": str(self.folder / "data"), **keys})

    def membership(self, name, robot=""):
        return membership_of(f"{self.folder}/fleet.yaml", f"{self.folder}/{name}.key", robot)

    def add(self, kind, robot, executor):
        named = {"subscribe": False} if kind is HistoryNode else {}
        node = kind(robot_id=robot, cameras=("front",), config=self.config(robot), **named)
        node.start_up()
        self.nodes.append(node)
        executor.add_node(node)
        return node

    def refused(self, text=""):
        """How many refusals the nodes count whose kind has the text."""
        return sum(
            int(count)
            for node in self.nodes
            for what, count in node.inbox.values().items()
            if what.startswith("refused") and text in what
        )


def request(**fields):
    fields = {"embedding": float_array(FACE), "model_id": MODEL, "timeout": to_duration(10**10)} | fields
    return srv.FaceSearch.Request(**fields)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(free_domain()))
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        fleet = ClosedFleet(tmp_path_factory.mktemp("closed"))
        with FleetClient("robot1", config=fleet.config("alice")) as client:
            fleet.client, executor = client, client.node.executor
            fleet.search = fleet.add(SearchNode, "robot1", executor)
            fleet.history = fleet.add(HistoryNode, "robot1", executor)
            other = fleet.add(HistoryNode, "robot2", executor)
            other.open_history(catalog.known(MODEL))
            box, stamp = np.zeros(4, np.float32), time.time_ns()
            other.history.sightings.note_frame("front", stamp)
            other.history.sightings.add("front", stamp, 1, "t1", "", box, box, 0.5, FACE, lambda: THUMBNAIL)
            other.history.flush()
            fleet.stranger = rclpy.create_node("stranger")
            executor.add_node(fleet.stranger)
            client.wait_for(lambda roster: {"robot1", "robot2"} <= set(roster), 30.0)
            yield fleet
            for node in fleet.nodes:
                node.end()


def listen(closed, *topics):
    """Collect what a stranger hears on topics of the fleet."""
    heard = {topic: [] for topic in topics}
    subscriptions = [
        closed.stranger.create_subscription(
            msg.FleetEnvelope, f"/facetrack/signed/{topic}", heard[topic].append, QoSProfile(depth=100)
        )
        for topic in topics
    ]
    wait_until(lambda: all(each.get_publisher_count() for each in subscriptions), "the stranger hears the fleet")
    return heard


def test_an_operator_searches_and_a_stranger_reads_none_of_it(closed):
    heard = listen(closed, "search/request", "search/result", "roster")
    wait_until(lambda: "robot2" in searched(closed.client.search(request(), 10.0)[0]), "robot2 is searched")
    response = closed.client.search(request(), 10.0)[0]
    assert [match.robot_id for match in response.matches] == ["robot2"]
    over_mesh = MeshSearch(closed.client, closed.config("alice"), lambda *part: None).search(request())
    assert [match.robot_id for match in over_mesh.matches] == ["robot2"]
    wait_until(lambda: all(heard.values()), "the stranger hears requests, answers and heartbeats")
    wire = b"".join(bytes(each.payload) for messages in heard.values() for each in messages)
    assert FACE.tobytes()[:16] not in wire
    assert THUMBNAIL[:100] not in wire
    assert MODEL.encode() not in b"".join(bytes(each.payload) for each in heard["search/request"])
    assert {each.reader for each in heard["search/request"]} == {"*"}
    assert {each.reader for each in heard["search/result"]} <= {"robot1", "alice"}
    assert {each.reader for each in heard["roster"]} == {""}


def searched(response):
    return {line.robot_id for line in response.robots if line.status == "answered"}


def test_an_operator_asks_the_fleet(closed):
    answer = FleetRequester(closed.client).ask(LIST_PEOPLE)
    assert {line.robot_id: line.state for line in answer.lines} == {"robot1": DONE, "robot2": DONE}


def test_records_name_the_operator_whose_signature_was_verified(closed):
    """The requests name another operator, or none."""
    log = AuditLog(closed.folder / "data" / "robot2", "robot2")
    ways = {
        "direct": lambda call: MeshSearch(closed.client, closed.config("alice"), lambda *part: None).search(call),
        "robot": lambda call: closed.client.search(call, 10.0),
    }
    for search_id, search in ways.items():
        search(request(search_id=search_id, operator_name="dana", reason="lost"))
    wait_until(lambda: ways.keys() <= {each["search_id"] for each in log.records([SEARCH])}, "both are recorded")
    found = {each["search_id"]: each for each in log.records([SEARCH])}
    proven = ("operator", "operator_verified", "signed_by", "reason")
    assert [found["direct"][name] for name in proven] == ["alice", True, "alice", "lost"]
    assert [found["robot"][name] for name in proven] == ["alice", False, "robot1", "lost"]
    FleetRequester(closed.client).ask(FRAMES, {"camera_id": "front"}, operator="dana", robots=("robot2",))
    asked = list(log.records([REQUEST]))[-1]
    assert [asked[name] for name in proven] == ["alice", True, "alice", ""]


def test_what_comes_from_a_robot_is_recorded_with_it(closed):
    """A gallery entry that robot1 passes on, and its deletion."""
    closed.add(GalleryNode, "robot2", closed.client.node.executor)
    log = AuditLog(closed.folder / "data" / "robot2", "robot2")
    entry = {"entry_id": "g_robot1_1", "by": "robot1"}
    face = {"name": "Ann", "model_id": MODEL, "embedding": float_array(FACE), "quality": 0.9}
    publisher = closed.stranger.create_publisher(msg.FleetEnvelope, "/facetrack/signed/gallery", PEOPLE_RECORDS)
    for kind, message in (
        (ENROLMENT, msg.GalleryEntry(**entry, **face, stamp=to_time(time.time_ns()))),
        (REMOVAL, msg.GalleryEntry(**entry, deleted=True)),
    ):
        robot = closed.membership("robot1", "robot1")
        envelope = robot.wrap("/facetrack/gallery", serialize_message(message), "*", time.time_ns())
        publisher.publish(envelope_to_message(envelope))
        wait_until(lambda: list(log.records([kind])), f"a record of the {kind}")  # noqa: B023
        (record,) = log.records([kind])
        assert (record["signed_by"], record["asker"], record["entries"]) == ("robot1", "robot1", ["g_robot1_1"])
    closed.stranger.destroy_publisher(publisher)


def test_without_the_permission_a_call_is_refused(closed):
    bob, before = closed.membership("bob"), closed.refused("face_search call of bob")
    search = SignedCall(bob, "robot1", "/robot1/face_search", srv.FaceSearch, request())
    with pytest.raises(RequestError, match="bob may not search"):
        search.opened(call(closed, srv.FaceSearch, "/robot1/face_search", search.request))
    assert closed.refused("face_search call of bob") == before + 1
    asked = srv.GetFrames.Request(camera_id="front")
    frames = SignedCall(bob, "robot1", "/robot1/get_frames", srv.GetFrames, asked)
    answer = frames.opened(call(closed, srv.GetFrames, "/robot1/get_frames", frames.request))
    assert "no history yet" in answer.message
    with pytest.raises(RequestError, match="no robot of the fleet"):
        SignedCall(bob, "robot9", "/robot9/face_search", srv.FaceSearch, request())


def call(closed, kind, name, content):
    client = closed.stranger.create_client(kind, name)
    wait_until(client.service_is_ready, name)
    future = client.call_async(content)
    wait_until(future.done, f"an answer of {name}")
    closed.stranger.destroy_client(client)
    return future.result()


def test_calls_without_a_signature_and_sent_again_are_refused(closed):
    for kind, name in (
        (srv.FaceSearch, "face_search"),
        (srv.ListPeople, "list_people"),
        (srv.GetFrames, "get_frames"),
        (srv.SaveClip, "save_clip"),
    ):
        response = call(closed, kind, f"/robot1/{name}", kind.Request())
        assert not response.success
        assert "refused" in response.message
    good = SignedCall(closed.membership("alice"), "robot1", "/robot1/face_search", srv.FaceSearch, request())
    answer = call(closed, srv.FaceSearch, "/robot1/face_search", good.request)
    assert not answer.matches  # they are in the envelope
    assert good.opened(answer).success
    again = call(closed, srv.FaceSearch, "/robot1/face_search", good.request)
    assert "sent before" in again.message
    assert not len(again.envelope.payload)
    other = SignedCall(closed.membership("alice"), "robot1", "/robot1/list_people", srv.FaceSearch, request())
    assert "signature" in call(closed, srv.FaceSearch, "/robot1/face_search", other.request).message
    with pytest.raises(RequestError, match="another call"):
        SignedCall(closed.membership("alice"), "robot1", "/robot1/face_search", srv.FaceSearch, request()).opened(
            answer
        )


KINDS = {
    "search/request": msg.FaceSearchRequest,
    "fleet/request": msg.FleetRequest,
    "persons": msg.PersonTemplate,
    "verdicts": msg.PersonVerdict,
    "gallery": msg.GalleryEntry,
}


def test_unsigned_messages_are_counted_and_have_no_effect(closed):
    for topic, kind in KINDS.items():
        publisher = closed.stranger.create_publisher(kind, f"/facetrack/{topic}", QoSProfile(depth=10))
        wait_until(publisher.get_subscription_count, f"somebody counts on {topic}")
        before = closed.refused(f"{kind.__name__} of an unnamed sender")

        def counted(publisher=publisher, kind=kind, before=before):
            publisher.publish(kind())
            return closed.refused(f"{kind.__name__} of an unnamed sender") > before

        wait_until(counted, f"unsigned messages on {topic} are counted")
        closed.stranger.destroy_publisher(publisher)
    assert {name for name, rule in TOPICS.items() if rule.counted} == set(KINDS)


def test_what_an_operator_may_not_send_is_refused(closed):
    """Each topic on which only robots speak, or for which bob lacks the permission."""
    for name, sender in (("search/request", "bob"), ("verdicts", "bob"), ("gallery", "bob"), ("persons", "alice")):
        kind, topic = KINDS[name], f"/facetrack/{name}"
        publisher = closed.stranger.create_publisher(msg.FleetEnvelope, f"/facetrack/signed/{name}", PEOPLE_RECORDS)
        wait_until(publisher.get_subscription_count, topic)
        envelope = closed.membership(sender).wrap(topic, serialize_message(kind()), "*", time.time_ns())
        before = closed.refused(f"{kind.__name__} of {sender}")
        publisher.publish(envelope_to_message(envelope))
        wait_until(lambda: closed.refused(f"{kind.__name__} of {sender}") > before, f"{topic} of {sender} is refused")  # noqa: B023
        closed.stranger.destroy_publisher(publisher)


def test_a_robot_speaks_only_for_itself(closed):
    """robot2 signs a heartbeat and a request in robot1's name."""
    member = closed.membership("robot2", "robot2")
    for name, message, what in (
        ("roster", msg.HistoryStatus(robot_id="robot1", instance_id="forged", leaving=True), "heartbeat of robot1"),
        ("search/request", msg.FaceSearchRequest(asker="robot1", search_id="x"), "search request of robot1"),
    ):
        publisher = closed.stranger.create_publisher(msg.FleetEnvelope, f"/facetrack/signed/{name}", PEOPLE_RECORDS)
        wait_until(publisher.get_subscription_count, name)
        reader = TOPICS[name].readers
        before = closed.refused(what)

        def refused(publisher=publisher, name=name, message=message, reader=reader, what=what, before=before):
            envelope = member.wrap(f"/facetrack/{name}", serialize_message(message), reader, time.time_ns())
            publisher.publish(envelope_to_message(envelope))
            return closed.refused(what) > before

        wait_until(refused, f"{what} is refused")
        closed.stranger.destroy_publisher(publisher)
    assert all(entry.claims == 1 and not entry.left for entry in closed.client.entries())


def test_forged_replayed_and_malformed_messages_have_no_effect_and_cost_no_memory(closed):
    heard = listen(closed, "search/request", "search/result")
    closed.client.search(request(), 10.0)
    wait_until(lambda: all(heard.values()), "the stranger records a search")
    recorded = [*heard["search/request"], *heard["search/result"]]
    draw, topic = random.Random(1), "/facetrack/signed/search/request"
    publisher = closed.stranger.create_publisher(msg.FleetEnvelope, topic, PEOPLE_RECORDS)
    wait_until(lambda: publisher.get_subscription_count() >= 2, "both robots listen")
    kinds = ("FaceSearchRequest of", "search request of")
    before, answers = sum(map(closed.refused, kinds)), len(heard["search/result"])
    start_mb = 0.0
    for number in range(MESSAGES):
        envelope = draw.choice(recorded)
        copy = msg.FleetEnvelope(
            signer=draw.choice([envelope.signer, "alice", "eve"]),
            reader=envelope.reader if number % 2 else "*",
            nonce=envelope.nonce,
            issued=envelope.issued,
            payload=envelope.payload,
            signature=envelope.signature,
        )
        if number % 3 == 1:
            copy.payload = np.frombuffer(draw.randbytes(draw.randrange(2000)), np.uint8)
        if number % 3 == 2:
            copy.nonce = copy.signature = np.frombuffer(draw.randbytes(64), np.uint8)
        publisher.publish(envelope if number % 5 == 0 and envelope in heard["search/request"] else copy)
        if number % 100 == 99:
            sent = number + 1
            wait_until(lambda: sum(map(closed.refused, kinds)) >= before + sent, "all are refused")  # noqa: B023
            start_mb = start_mb or resident_mb()
    assert resident_mb() - start_mb < MEGABYTES
    assert len(heard["search/result"]) == answers
    assert searched(closed.client.search(request(), 10.0)[0]) == {"robot1", "robot2"}


def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_robot_without_its_key_does_not_start(closed):
    with pytest.raises(ConfigError, match="alice"):
        HistoryNode(robot_id="robot1", config=closed.config("alice"), subscribe=False)
    with pytest.raises(ConfigError, match=r"robot1\.key"):
        HistoryNode(
            robot_id="robot1", config=Config({"security.fleet_file": f"{closed.folder}/fleet.yaml"}), subscribe=False
        )


def test_every_service_of_the_package_has_an_envelope_and_a_permission():
    kinds = {name for name in vars(srv) if name[0].isupper() and "_" not in name}
    assert {name.title().replace("_", "") for name in SERVICES} >= kinds
    for name in kinds:
        for part in (getattr(srv, name).Request, getattr(srv, name).Response):
            assert part.get_fields_and_field_types()["envelope"] == "facetrack_ros/FleetEnvelope", name
