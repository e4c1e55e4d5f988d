"""Fonts that hold Chinese, found at the paths where Debian puts them.

No fontconfig: a look at four known paths costs nothing and needs no library. FreeType maps the
files, so a loaded face costs little memory until its glyphs are drawn.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from PIL import ImageFont

from drivers.ports.errors import DeviceRefused


class FontMissing(DeviceRefused):
    """No font with Chinese glyphs is installed; nothing was drawn. A person must install one."""

    code = "E-DEV-06"
    hint: ClassVar[str] = "Install a Chinese font: apt install fonts-wqy-microhei"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One typeface: where its files are, and which face of a collection is meant."""

    regular: Path
    index: int = 0
    bold: Path | None = None


_SHARE = Path("/usr/share/fonts")
CANDIDATES: tuple[Face, ...] = (
    Face(
        regular=_SHARE / "opentype/noto/NotoSansCJK-Regular.ttc",
        index=2,  # the collection's simplified Chinese face
        bold=_SHARE / "opentype/noto/NotoSansCJK-Bold.ttc",
    ),
    Face(regular=_SHARE / "truetype/wqy/wqy-microhei.ttc"),
    Face(regular=_SHARE / "truetype/wqy/wqy-zenhei.ttc"),
    Face(regular=_SHARE / "truetype/droid/DroidSansFallbackFull.ttf"),
)
"""In the order of liking; the first is the one a receipt looks best in."""


@dataclass(frozen=True, slots=True)
class Font:
    """A face at one size.

    `strikes` is how often it is drawn, each a pixel to the right of the last: bold for a family
    without a bold file. It keeps the inside of dense characters open, which an outline does not.
    """

    font: ImageFont.FreeTypeFont
    strikes: int = 1

    @property
    def size_px(self) -> int:
        """Pixels to the em."""
        return int(self.font.size)

    def width(self, text: str) -> float:
        """Width of `text` in pixels."""
        return self.font.getlength(text) + self.strikes - 1


def present(candidates: tuple[Face, ...] = CANDIDATES) -> tuple[Face, ...]:
    """The candidates whose regular file is there, liked ones first."""
    return tuple(face for face in candidates if face.regular.is_file())


@lru_cache(maxsize=1)
def _installed() -> tuple[Face, ...]:
    return present()


def _first(faces: tuple[Face, ...]) -> Face:
    if not faces:
        _installed.cache_clear()  # one installed while we run is found at the next slip
        raise FontMissing("no font with Chinese glyphs found below /usr/share/fonts")
    return faces[0]


@lru_cache(maxsize=32)
def _load(path: Path, index: int, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size_px, index=index, layout_engine=ImageFont.Layout.BASIC)


def font(size_px: int, *, bold: bool = False, faces: tuple[Face, ...] | None = None) -> Font:
    """The liked font at `size_px` pixels to the em.

    Raises:
        FontMissing: none of the known fonts is installed.
    """
    face = _first(_installed() if faces is None else faces)
    if bold and face.bold is not None and face.bold.is_file():
        return Font(_load(face.bold, face.index, size_px))
    regular = _load(face.regular, face.index, size_px)
    return Font(regular, strikes=1 + max(1, size_px // 30) if bold else 1)
