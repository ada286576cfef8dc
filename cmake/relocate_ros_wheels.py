"""Make the CMake exports of pip's ROS wheels name this environment's folders.

The wheels' exports carry two folders of the machine they were built on, the Python headers and numpy's; CMake refuses
imported targets that name folders which do not exist. On a native ROS there is nothing to do.
"""

import re
import sys
import sysconfig
from pathlib import Path

FOREIGN_HEADERS = re.compile(r"/opt/python/[^;\"]*/include/python3\.\d+")
FOREIGN_PACKAGES = re.compile(r"/opt/python/[^;\"]*/site-packages")


def relocate(share: Path, headers: str, packages: str) -> int:
    """Rewrite every export below ``share``; returns how many files changed."""
    changed = 0
    for export in share.glob("*/cmake/*Export.cmake"):
        before = export.read_text()
        after = FOREIGN_PACKAGES.sub(packages, FOREIGN_HEADERS.sub(headers, before))
        if after != before:
            export.write_text(after)
            changed += 1
    return changed


if __name__ == "__main__":
    paths = sysconfig.get_paths()
    changed = relocate(Path(sys.prefix) / "share", paths["include"], paths["platlib"])
    if changed:
        print(f"{changed} CMake exports of the ROS wheels now name {sys.prefix}")
