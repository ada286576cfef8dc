"""HTML built from elements: whatever is not markup already is escaped."""

import html

from facetrack_ros.core.printable import printable

#: Elements without content.
_EMPTY = frozenset(("img", "meta", "br"))


class Markup(str):
    """HTML that was built here, and is not escaped again."""


#: A text, which is escaped; markup; or None: nothing.
Content = str | Markup | None


def element(name: str, /, *contents: Content, **attributes: str | int | bool | None) -> Markup:
    """An element. Texts in it and values of its attributes are made printable and escaped.

    :param attributes: underscores stand for hyphens, one at the end is dropped (``class_``); True: without a value;
        None or False: left out.
    """
    given = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        given.append(f" {key}" if value is True else f' {key}="{_attribute(value)}"')
    opening = f"<{name}{''.join(given)}>"
    return Markup(opening if name in _EMPTY else f"{opening}{joined(*contents)}</{name}>")


def joined(*contents: Content) -> Markup:
    """Contents one after the other."""
    return Markup(
        "".join(content if isinstance(content, Markup) else _text(content) for content in contents if content)
    )


def _text(text: str) -> str:
    return html.escape(printable(text))


def _attribute(value: str | int) -> str:
    return value if isinstance(value, Markup) else _text(str(value))
