"""The command line beside a liar: every robot answers for itself, no picture leaves, no stranger speaks for others."""

import json
import threading

import pytest

from facetrack_ros import msg, srv
from facetrack_ros.client.asker_node import AskerNode
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, HEARTBEAT_PUB, RELIABLE


class Liar:
    """A peer that calls itself A0, the first name of all, and says "no match" whatever it is asked."""

    def __init__(self, node):
        self.calls, self.requests, self.heard_by = [], [], set()
        roster = node.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)
        node.create_service(srv.FaceSearch, "/A0/face_search", self._search)
        node.create_service(srv.EnrollFace, "/A0/enroll_face", self._enroll)
        node.create_service(srv.ListPeople, "/A0/list_people", self._list)
        node.create_subscription(msg.FaceSearchRequest, "/facetrack/search/request", self.requests.append, RELIABLE)
        node.create_subscription(
            msg.KnownRobots, "/facetrack/known_robots", self._on_known_robots, HEARTBEAT_LATCHED_SUB
        )
        line = msg.HistoryStatus(robot_id="A0", instance_id="liar", model_id="mobilefacenet_foamliu")
        node.create_timer(0.2, lambda: roster.publish(line))

    def _on_known_robots(self, message):
        if "A0" in message.robots:
            self.heard_by.add(message.robot_id)

    def _search(self, request, response):
        self.calls.append(request)
        response.success = response.complete = True
        return response

    def _enroll(self, request, response):
        self.calls.append(request)
        response.success, response.entry_ids = True, ["g_A0_1"]
        return response

    def _list(self, request, response):
        self.calls.append(request)
        response.success = response.complete = True
        return response


@pytest.fixture
def liar(domain, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with ros([]):
        node = AskerNode("/facetrack")
        found = Liar(node)
        with spinning([node]):
            yield found


@pytest.fixture
def robots(processes, stage, tmp_path, real_models):
    """robot1 and robot2, whose clips are over."""
    processes.environment["FACETRACK_MODELS"] = str(real_models)
    data = tmp_path / "data"
    started = [
        processes.robot(robot, data, **{camera: stage.clips[robot, camera]})
        for robot, camera in (("robot1", "rear"), ("robot2", "front"))
    ]
    for robot in started:
        robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    return data


def test_a_liar_lies_for_itself_only_and_gets_no_picture(processes, stage, robots, liar):
    picture = stage.references["Grace Hopper"]
    processes.wait_until(lambda: liar.heard_by >= {"robot1", "robot2"}, "the robots hear the liar")
    code, answer = processes.search("--image", picture, "--timeout", "5")
    assert code == 3, answer
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}
    assert {line["robot_id"]: line["status"] for line in answer["robots"]} == {
        "A0": "timed_out",
        "robot1": "answered",
        "robot2": "answered",
    }
    assert "A0" in {gap["robot_id"] for gap in answer["not_searched"]}
    assert not liar.calls, "no service of a stranger is called"
    assert liar.requests
    assert all(len(request.embedding) == 128 and not len(request.face_crop) for request in liar.requests)

    # Through a robot that is named, too, only the embedding goes.
    code, answer = processes.search("--image", picture, "--robot", "robot2", "--timeout", "5")
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}, answer
    person = answer["matches"][0]["person_id"]
    code, answer = processes.search("--image", picture, "--robot", "A0", "--timeout", "5")
    assert (code, answer["matches"]) == (1, []), "who names a liar gets its answer"
    assert len(liar.calls) == 1
    assert len(liar.calls[0].embedding) == 128
    assert not len(liar.calls[0].image.data)
    code, answer = processes.search("--image", picture, "--robot", "A0", "--send-picture", "--timeout", "5")
    assert len(liar.calls[1].image.data) > 0
    liar.calls.clear()

    # A person's id, and parts as they come.
    code, answer = processes.search("--person", person, "--timeout", "5")
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}, answer
    said = processes.run("search", "--image", picture, "--live", "--timeout", "5").stdout
    assert "robot2: no match among" in said, said
    assert "time is up: A0 did not answer" in said

    # Enrolment sends entries, no pictures; the liar alone does not have them.
    enrolled = processes.run("enroll", "Grace", picture)
    assert enrolled.returncode == 3, (enrolled.stdout, enrolled.stderr)
    assert "not yet on A0" in enrolled.stderr
    assert "not yet on robot" not in enrolled.stderr
    listed = processes.run("enroll", "--list")
    assert "Grace" in listed.stdout
    code, answer = processes.search("--name", "Grace", "--timeout", "5")
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}, answer
    persons = processes.run("persons", "list", "--json")
    assert persons.returncode == 3
    assert person in {json.loads(line)["person_id"] for line in persons.stdout.splitlines()}
    assert not liar.calls


def test_a_picture_without_the_model_is_refused_unless_it_may_be_sent(processes, stage, robots, tmp_path, monkeypatch):
    picture = stage.references["Grace Hopper"]
    monkeypatch.setitem(processes.environment, "FACETRACK_MODELS", str(tmp_path / "nowhere"))
    done = processes.run("search", "--image", picture)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "--send-picture --robot NAME" in done.stderr
    done = processes.run("search", "--image", picture, "--send-picture")
    assert done.returncode == 2
    assert "--robot NAME" in done.stderr
    code, answer = processes.search("--image", picture, "--robot", "robot1", "--send-picture", "--timeout", "5")
    assert code == 0, answer
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}


def test_200_calls_at_once_each_have_a_response(processes, stage, robots, domain, monkeypatch):
    """Over the wire, from 20 clients, with pictures that take long to embed."""
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import CompressedImage

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    picture = CompressedImage(format="jpeg", data=stage.references["Grace Hopper"].read_bytes())
    answered = threading.Semaphore(0)
    with ros([]):
        node = AskerNode("/facetrack")
        clients = [
            node.create_client(srv.FaceSearch, "/robot1/face_search", qos_profile=QoSProfile(depth=100))
            for _ in range(20)
        ]
        with spinning([node]):
            assert all(client.wait_for_service(10.0) for client in clients)
            calls = [client.call_async(srv.FaceSearch.Request(image=picture)) for client in clients for _ in range(10)]
            for call in calls:
                call.add_done_callback(lambda _: answered.release())
            for number in range(200):
                assert answered.acquire(timeout=90.0), f"{number} of 200 calls have a response"
            responses = [call.result() for call in calls]
    done = [response for response in responses if response.success]
    refused = [response.message for response in responses if not response.success]
    assert done
    assert all("try again" in message for message in refused), refused[:3]
    assert all(response.matches or response.not_searched for response in done), "never a false answer"
