"""Who runs a command, and why, for the audit log."""

import argparse
import getpass
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from facetrack_ros.config import Config
from facetrack_ros.core.validation import LONGEST_NAME, plain_text
from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.audit.audit_log import AuditLog
from facetrack_ros.history.audit.reason import LONGEST_REASON, who_asked, why_refused
from facetrack_ros.history.layout import RobotFolder


def add_operator_arguments(parser: argparse.ArgumentParser, reason: bool = True) -> None:
    """Add ``--operator`` and ``--reason``.

    :param reason: False: the command has a ``--reason`` of its own.
    """
    parser.add_argument("--operator", metavar="NAME", help="who asks, for the audit log; default: the user")
    if reason:
        parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit log")


def said(arguments: argparse.Namespace, config: Config | None = None) -> dict[str, str]:
    """``operator`` and ``reason`` of a command line.

    :param config: settings that may demand a reason; None: robots say whether they do.
    :raises RequestError: a reason is demanded and not given.
    :raises InvalidInput: one is too long or not printable.
    """
    given = {
        "operator": plain_text(arguments.operator or _user(), "--operator", LONGEST_NAME),
        "reason": plain_text(arguments.reason, "--reason", LONGEST_REASON),
    }
    if config is not None and (refusal := why_refused("this command", config.audit.require_reason, **given)):
        raise RequestError(refusal)
    return given


def said_in_message(arguments: argparse.Namespace) -> dict[str, str]:
    """The same as fields of a message; robots refuse what lacks a reason that they demand."""
    given = said(arguments)
    return {"operator_name": given["operator"], "reason": given["reason"]}


def record_stored(folder: RobotFolder, kind: str, fields: Mapping[str, Any]) -> None:
    """Append to the audit log of a stored history, with the operator as a claim, as nothing is signed.

    That it cannot be written is told on stderr.
    """
    claimed = who_asked(fields.get("operator", ""), fields.get("reason", ""))
    try:
        AuditLog(folder.path, folder.robot_id).append(kind, {**fields, **claimed}, time.time_ns())
    except StoreError as error:
        print(f"this is not in the audit log of {folder.robot_id}: {error}", file=sys.stderr)


def _user() -> str:
    try:
        return getpass.getuser()[:LONGEST_NAME]
    except (OSError, KeyError):  # a user id without a name
        return str(os.getuid())
