"""Name of the user who runs a command, as logs store it."""

import getpass
import os
import re

_ODD = re.compile(r"[^A-Za-z0-9_]")


def user_name(prefix: str) -> str:
    """``PREFIX_USER`` in letters, digits and underscores."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        user = str(os.getuid())
    return f"{prefix}_{_ODD.sub('_', user)[:40]}"
