"""Peak memory of work in a child process."""

import json
import subprocess
import sys
from pathlib import Path

_CHILD = '''
import json, sys
def measure(work):
    """Peak of resident memory beyond that before, MB, and what work returned or the error it raised."""
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    try:
        found = work()
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    return (status("VmHWM") - before) * 1024 / 1e6, found
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
'''


def peaks(script: str, *arguments: str | Path, timeout: float = 120.0) -> dict[str, tuple[float, str]]:
    """What a script puts into ``results``: by name, MB and an outcome. It calls ``measure(work)``.

    A limit on its address space ends what would allocate gigabytes.
    """
    head = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({4_000_000_000}, {4_000_000_000}))\n" + _CHILD
    code = f"{head}\nresults = {{}}\n{script}\nprint(json.dumps(results))"
    child = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=timeout
    )
    assert child.returncode == 0, child.stderr[-2000:]
    return json.loads(child.stdout.splitlines()[-1])
