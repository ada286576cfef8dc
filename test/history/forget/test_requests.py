"""Requests that are kept name no one who is forgotten: no entry of the gallery, and no decision."""

import json

from forget_folder import ANN, ANN_TOO, BEN, START, unit

from facetrack_ros.core.fleet.fleet_request import FleetRequest, to_bytes
from facetrack_ros.core.fleet.kinds import ENROL, FORGET, MERGE
from facetrack_ros.history.forget.log_lines import edit_log, request_edit
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.history.requests.request_log import NAME, RequestLog

ORDER = ForgetOrder("f_1", "robot1", (ANN, ANN_TOO), (), ("Ann",), ("g_robot1_1",))


def request(number, kind, body):
    return FleetRequest(f"r_{number}", kind, "op", issued_ns=START + number, body=to_bytes(body))


def filled(folder):
    log = RequestLog(folder)
    entry = {"entry_id": "g_robot1_1", "name": "Ann", "embedding": unit(1).tolist()}
    log.add(request(1, ENROL, {"entries": [entry]}))
    log.add(request(2, MERGE, {"ids": [ANN, ANN_TOO]}))
    log.add(request(3, MERGE, {"ids": [BEN, "p_robot2_9"]}))
    log.add(request(4, FORGET, {"more_persons": [ANN, ANN_TOO]}))
    return log


def test_in_the_file(tmp_path):
    filled(tmp_path)
    assert edit_log(tmp_path / NAME, request_edit(ORDER), change=True) == 2
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [line.get("forgotten") for line in lines] == ["r_1", "r_2", None, None]
    log = RequestLog(tmp_path)
    log.open()
    assert [each.request.id for each in log.requests()] == ["r_3", "r_4"]
    assert "r_1" in log  # it is not done again


def test_in_a_running_robot(tmp_path):
    log = filled(tmp_path)
    log.forget_persons(ORDER.needles)
    assert [each.id for each in log.lacking([])] == ["r_3", "r_4"]
    assert "r_2" in log
    assert edit_log(tmp_path / NAME, request_edit(ORDER), change=False) == 0
