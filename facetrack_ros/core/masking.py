"""Masks passwords and tokens in addresses of cameras, in texts that contain addresses, and in the command line."""

import ctypes
import re
from pathlib import Path

MASK = "***"
# Keys of addresses whose values are no secrets. Values of all other keys are masked, user names too.
_HARMLESS = (
    "action|audio|cam|camera|ch|channel|channels|chn|codec|compression|format|fps|framerate|height|inst|"
    "mode|profile|proto|quality|res|resolution|rotation|size|stream|streaming|streamtype|subchannel|"
    "substream|subtype|tcp|track|trackid|transport|transportmode|type|unicast|video|videocodec|"
    "videocodectype|width"
)
_SECRET = (
    "access_?token|access_?key|api_?key|auth|authkey|authorization|credentials?|key|login|loginpas|loginuse|pass|"
    "passcode|passphrase|passwd|password|passwort|pin|pw|pwd|secret|session|sid|sig|signature|token|user|username|usr"
)
_KEY = re.compile(r"(?:(?<=[/_&;?#])|^)([A-Za-z][A-Za-z0-9-]*)=")
_IS_HARMLESS, _IS_SECRET = re.compile(_HARMLESS, re.IGNORECASE), re.compile(_SECRET, re.IGNORECASE)
_SAFE_VALUE = re.compile(r"[A-Za-z0-9.,:/-]{0,24}[_&;?]?")
_SAFE_WORDS = re.compile(r"[A-Za-z_]*")
_RANDOM = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9-]{16,}")
_HOST = re.compile(r"(?:localhost|[0-9.]+|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+\.[A-Za-z0-9-]+)(?::[0-9]{1,5})?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]*")
_USER_AT = re.compile(r"[^\s/:@'\"=]+:[^\s@'\"]+(?:@[^\s@'\"/]+)*@(?=[\w.\[])")
_ASSIGNMENT = re.compile(rf"(?<![A-Za-z])({_SECRET})=(?!\*\*\*)[^\s'\"&;]+", re.IGNORECASE)


def mask_address(address: str) -> str:
    """The address of a camera without user, password and tokens; what is not known to be harmless counts as secret.

    :param address: the whole address, which may contain spaces.
    """
    scheme = _SCHEME.match(address)
    if scheme is None:
        return _masked_text(address)
    rest = address[scheme.end() :]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # A password may hold "@", "/", "?" or "#" although it should be written as %40 and so on.
    if "@" in authority or ("@" in rest and ":" in authority and not _HOST.fullmatch(authority)):
        rest = f"{MASK}@{rest[rest.rindex('@') + 1 :]}"
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return scheme[0] + authority + _masked_tail(rest[len(authority) :])


def mask_passwords(text: str) -> str:
    """A text in which addresses, and words that look like passwords, are masked."""
    return _masked_text(_ADDRESS.sub(lambda found: mask_address(found[0]), text))


def mask_camera(text: str) -> str:
    """A text with a SOURCE at its end, such as ``NAME=SOURCE``, masked."""
    if text.count("://") != 1:
        return mask_passwords(text)
    scheme = next(_SCHEME.finditer(text))
    return text[: scheme.start()] + mask_address(text[scheme.start() :])


def _masked_text(text: str) -> str:
    return _ASSIGNMENT.sub(rf"\1={MASK}", _USER_AT.sub(f"{MASK}@", text))


def _masked_tail(tail: str) -> str:
    """Path, query and fragment, masked.

    A value ends where the next key begins. After a secret key only a known key counts, as passwords may hold anything.
    """
    keys: list[re.Match] = []
    for key in _KEY.finditer(tail):
        if not keys or _is_harmless(keys[-1]) or _is_harmless(key) or _IS_SECRET.fullmatch(key[1]):
            keys.append(key)
    if not keys:
        return _masked_head(tail)
    ends = [*(key.start() for key in keys[1:]), len(tail)]
    values = (_masked_value(key, tail[key.end() : end]) for key, end in zip(keys, ends, strict=True))
    return _masked_head(tail[: keys[0].start()]) + "".join(values)


def _is_harmless(key: re.Match) -> bool:
    return _IS_HARMLESS.fullmatch(key[1]) is not None


def _masked_head(head: str) -> str:
    """The part before the first key: long random words of the path are keys of streams."""
    path, mark, query = re.match(r"([^?#]*)([?#]?)(.*)", head, re.DOTALL).groups()  # type: ignore[union-attr]  # matches all
    path = "/".join(MASK if _RANDOM.fullmatch(word) else word for word in path.split("/"))
    return path + mark + (query if _SAFE_WORDS.fullmatch(query.rstrip("&;")) else MASK)


def _masked_value(key: re.Match, value: str) -> str:
    if _is_harmless(key) and _SAFE_VALUE.fullmatch(value) and not any(map(_RANDOM.fullmatch, value.split("/"))):
        return key[0] + value
    separator = value[-1:] if value[-1:] in ("_", "&", ";", "?", "#") else ""
    return key[0] + MASK + separator


def mask_command_line() -> None:
    """Overwrite passwords in this process's command line, which ``ps`` shows to every user. Linux only.

    ``sys.argv`` stays as it is.
    """
    try:
        # proc(5): fields 48 and 49, arg_start and arg_end; the second field, in parentheses, may contain spaces.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        arguments = Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
    except (OSError, ValueError, IndexError):
        return
    if sum(map(len, arguments)) + len(arguments) != end - start:
        return
    for argument in arguments:
        text = argument.decode("utf-8", "surrogateescape")
        masked = mask_camera(text)
        if masked != text:
            data = masked.encode("utf-8", "surrogateescape")[: len(argument)].ljust(len(argument))
            ctypes.memmove(start, data, len(argument))
        start += len(argument) + 1
