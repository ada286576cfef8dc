"""``facetrack receipts list``: what was forgotten."""

import argparse
import json

from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND
from facetrack_ros.cli.robot_folders import robot_folders, usable
from facetrack_ros.core.utc import show_utc


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("--data", required=True, metavar="DIR", help="stored histories, one folder per robot")
    parser.add_argument("--robot", metavar="NAME", help="only this robot")
    parser.add_argument("--json", action="store_true", help="one JSON object per receipt and line")


def run(arguments: argparse.Namespace) -> int:
    """Print the receipts, and return 0, or 1 where there are none."""
    from facetrack_ros.cli.privacy.forget import describe
    from facetrack_ros.history.forget.receipts import Receipts

    printed = 0
    for folder in map(usable, robot_folders(arguments.data, arguments.robot)):
        for receipt in Receipts(folder.path, folder.robot_id).read():
            printed += 1
            if arguments.json:
                print(json.dumps(receipt, ensure_ascii=False))
                continue
            what = receipt["what"]
            span = what.get("time_ns")
            who = f"{show_utc(span[0])} to {show_utc(span[1])}" if span else ", ".join(what["person_ids"]) or "a face"
            signed = f"signed by {receipt['signer']}" if receipt.get("signer") else "not signed"
            print(f"{show_utc(receipt['done_ns'])}  {folder.robot_id}  {receipt['order_id']}  {who}")
            print(f"  {describe(receipt['found'])}")
            reason = f", because: {receipt['reason']}" if receipt["reason"] else ""
            print(f"  by {receipt['operator'] or 'an unknown operator'}{reason}; {signed}")
    return DONE if printed else NOTHING_FOUND
