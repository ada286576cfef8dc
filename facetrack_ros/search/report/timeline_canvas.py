"""Drawing surface of the timeline: shapes, text and images, in inches from the top left corner."""

from functools import lru_cache
from io import BytesIO
from typing import Any
from unicodedata import bidirectional

import cv2
import numpy as np

from facetrack_ros.core.pictures.decoding import decode_picture
from facetrack_ros.core.pictures.picture_limits import THUMBNAIL, PictureLimits
from facetrack_ros.core.printable import escaped
from facetrack_ros.errors import FrameError

#: A name or hexadecimal code, or red, green, blue and alpha from 0 to 1.
Colour = str | tuple[float, float, float, float]

INK, GREY, FAINT, PAPER = "#1f2a37", "#6b7785", "#c9d1da", "#ffffff"
LANE, KEPT, MISSING, WARNING = "#f4f6f9", "#cfe0f1", "#f7ecea", "#b23a2e"
_LOW, _MIDDLE, _HIGH = "#f0a830", "#3fae7a", "#0f6b57"
_DPI = 120
# Side of an image that is drawn, pixels; more than the page has for it.
_MOST_PX = 512
# In place of letters that the font lacks: the replacement character, which it has.
_UNKNOWN = "\ufffd"
_FROM_RIGHT = ("R", "AL")


class Canvas:
    """A page. It shares no state with other figures: several threads may draw at once.

    :param width: inches.
    :param height: inches.
    """

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=PAPER)
        self._page = FigureCanvasAgg(figure)
        self._axes = figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._axes.set_autoscale_on(False)
        self._colours = LinearSegmentedColormap.from_list("similarity", (_LOW, _MIDDLE, _HIGH))

    def colour(self, share: float) -> Colour:
        """The colour of a similarity, 0 at the threshold, 1 at the top of the scale."""
        return self._colours(float(np.clip(share, 0, 1)))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: Colour,
        edge: Colour = "none",
        line: float = 0.0,
        radius: float = 0.0,
        hatch: str = "",
        z: float = 1,
    ):
        """Draw a rectangle with corners rounded by ``radius``; the patch, to clip images with."""
        from matplotlib.patches import FancyBboxPatch

        radius = min(radius, width / 2, height / 2)
        style = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
        paint: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "linewidth": line, "hatch": hatch or None}
        patch = FancyBboxPatch((x, y), width, height, boxstyle=style, zorder=z, **paint)
        self._axes.add_patch(patch)
        return patch

    def line(self, xs: list[float], ys: list[float], colour: Colour, width: float = 1.0, z: float = 1) -> None:
        """Draw a line through points."""
        self._axes.plot(xs, ys, color=colour, linewidth=width, solid_capstyle="round", zorder=z)

    def words(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        colour: Colour = INK,
        bold: bool = False,
        across: str = "left",
        back: Colour = "",
        z: float = 6,
    ) -> None:
        """Draw text literally; a dollar sign starts no formula.

        :param across: horizontal alignment: ``left``, ``center`` or ``right``.
        :param back: background colour; empty: none.
        """
        patch = {"boxstyle": "round,pad=0.35", "facecolor": back, "edgecolor": "none"} if back else None
        font: dict[str, Any] = {"fontsize": size, "color": colour, "fontweight": "bold" if bold else "normal"}
        text = "".join(letter if letter.isspace() or _has(letter) else _UNKNOWN for letter in escaped(text))
        text = text.replace("$", r"\$")
        self._axes.text(x, y, text, ha=across, va="center", bbox=patch, zorder=z, **font)

    def has_letters_of(self, text: str) -> bool:
        """Whether the font has all letters of a text, and they are written from left to right."""
        return all(_has(letter) and bidirectional(letter) not in _FROM_RIGHT for letter in text)

    def picture(
        self,
        x: float,
        y: float,
        side: float,
        jpeg: bytes,
        edge: Colour,
        line: float = 2.0,
        z: float = 4,
        limits: PictureLimits = THUMBNAIL,
    ) -> None:
        """Draw an image, cut to a square with round corners; a grey square where there is none within the limits."""
        frame = self.box(x, y, side, side, "#e3e8ee", edge, line, radius=0.07, z=z)
        image = _decoded(jpeg, limits)
        if image is None:
            self.words(x + side / 2, y + side / 2, "no\npicture", 7, GREY, across="center", z=z + 0.2)
            return
        height, width = image.shape[:2]
        cut = min(height, width)
        top, left = (height - cut) // 2, (width - cut) // 2
        square = image[top : top + cut, left : left + cut]
        if cut > _MOST_PX:  # drawing takes sixteen bytes a pixel
            square = cv2.resize(square, (_MOST_PX, _MOST_PX), interpolation=cv2.INTER_AREA)
        square = cv2.cvtColor(square, cv2.COLOR_BGR2RGB)
        shown = self._axes.imshow(
            square, extent=(x, x + side, y + side, y), interpolation="bicubic", aspect="auto", zorder=z + 0.1
        )
        shown.set_clip_path(frame)
        self.box(x, y, side, side, "none", edge, line, radius=0.07, z=z + 0.2)

    def scale(self, x: float, y: float, width: float, height: float) -> None:
        """Draw the colours of the similarity scale, the threshold at the left."""
        ramp = self._colours(np.linspace(0, 1, 128))[None]
        self._axes.imshow(ramp, extent=(x, x + width, y + height, y), aspect="auto", zorder=3)

    def png(self) -> bytes:
        """Encode the page as PNG."""
        data = BytesIO()
        self._page.print_png(data)
        return data.getvalue()


@lru_cache(maxsize=4096)
def _has(letter: str) -> bool:
    """Whether the font of the page has a letter."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return bool(get_font(findfont(FontProperties())).get_char_index(ord(letter)))


def _decoded(data: bytes, limits: PictureLimits) -> np.ndarray | None:
    try:
        return decode_picture(data, limits) if data else None
    except FrameError:
        return None
