"""Damaged files of every kind: each is read as far as it goes or refused in a sentence, in bounded memory and time.

How many of a kind: ``FACETRACK_HOSTILE_FILES``; ``make hostile`` makes 2,000.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import damaged_files
import pytest
from mutations import FILES

SEED = 20


def read_damaged(name: str, folder: Path) -> list[dict]:
    """The outcome of each damaged file; a process that ended is followed by another one."""
    outcomes: list[dict] = []
    first = 0
    while first < FILES:
        command = [sys.executable, damaged_files.__file__, name, folder, SEED, first, FILES - first]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=3600)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines, done.stderr[-3000:]
        outcomes += [line for line in lines if line["outcome"] != "begun"]
        if lines[-1]["outcome"] == "begun":
            ended = f"the process ended with {done.returncode}: {done.stderr[-1000:]}"
            outcomes.append({**lines[-1], "outcome": "fault", "said": ended, "mb": 0})
        first = lines[-1]["number"] + 1
    return outcomes


@pytest.mark.parametrize("name", damaged_files.KINDS)
def test_a_damaged_file_is_read_or_refused(tmp_path, name):
    outcomes = read_damaged(name, tmp_path)
    kind = damaged_files.KINDS[name]
    counts = Counter(each["outcome"] for each in outcomes)
    print(f"{name}: {len(outcomes)} files: {dict(counts)}, {max(each['mb'] for each in outcomes)} MB at most")
    faults = [
        each for each in outcomes if each["outcome"] == "fault" or not (kind.refuses or each["outcome"] == "read")
    ]
    faults += [each for each in outcomes if each["mb"] > damaged_files.MEMORY_MB]
    kinds = {
        (each["file"].split("/")[-1], each["said"].strip().splitlines()[-1] if each["said"] else ""): each
        for each in faults
    }
    shown = "\n".join(f"{each['number']} {each['file']} {each['mb']} MB {each['said']}" for each in kinds.values())
    assert not faults, f"{len(faults)} of {len(outcomes)}:\n{shown}"
    assert counts["read"], "a damaged file is sometimes still good: the reader works"
