"""Pipes, devices, sockets, holes and links in place of every file that a command takes: a sentence, at once."""

import os
import subprocess
import sys

import pytest
from odd_paths import odd_paths

COMMAND = (sys.executable, "-c", "from facetrack_ros.cli.main import main; main()")
#: Commands with a file in place of ODD; DATA is a folder of histories.
LINES = (
    *("search --image ODD --data DATA", "search --person p_robot1_1 --data ODD", "events --data ODD"),
    *("status --data ODD", "clip --data ODD --person p_robot1_1 --out OUT", "prune --data ODD --robot robot1"),
    *("ingest --robot robot1 --camera front=ODD --data OUT", "ingest --robot robot1 --camera front=@ODD --data OUT"),
    "ingest --robot robot1 --camera front=bag:ODD --data OUT",
    "ingest --robot robot1 --camera front=a.mp4 --config ODD --data OUT",
    *("bag --robot robot1 --camera front=ODD --out OUT", "persons list --data ODD", "enroll --list --data ODD"),
    *("eval persons ODD", "eval faces ODD", "models list --config ODD", "reindex --data ODD"),
)


@pytest.mark.parametrize("line", LINES)
def test_it_is_refused_with_a_sentence(line, tmp_path):
    """In two processes at a time, one a command: each path after the other."""
    (tmp_path / "DATA").mkdir()
    script = tmp_path / "all.py"
    paths = [str(path) for path in odd_paths(tmp_path / "odd", ".jpg").values()]
    script.write_text(
        "import contextlib, io, json, sys\n"
        "from facetrack_ros.cli.main import main\n"
        "for path in json.loads(sys.argv[1]):\n"
        "    said = io.StringIO()\n"
        "    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):\n"
        "        try:\n"
        "            main([word.replace('ODD', path) for word in sys.argv[2:]])\n"
        "        except SystemExit as end:\n"
        "            code = end.code\n"
        "    print(json.dumps([path, code, said.getvalue()]), flush=True)\n"
    )
    import json

    done = subprocess.run(
        [sys.executable, str(script), json.dumps(paths), *line.split()],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, env={**os.environ, "FACETRACK_DOWNLOAD": "0"},
    )  # fmt: skip
    found = [json.loads(each) for each in done.stdout.splitlines()]
    assert len(found) == len(paths), (found[-1:], done.stderr[-500:])
    wrong = [each for each in found if each[1] not in (2, 3, 5) or "Traceback" in each[2] or not each[2].strip()]
    empty = ("nothing", "holds no", "no history", "no robot", "none")
    assert not [each for each in wrong if not (each[1] in (0, 1) and any(word in each[2] for word in empty))]
