"""A document as commands for one printer profile."""

from enum import StrEnum
from typing import assert_never

from drivers import raster
from drivers.ports.document import Document
from drivers.printer import escpos, native


class Profile(StrEnum):
    """How a printer is spoken to. `RASTER` suits any; `NATIVE_GBK` is for Chinese firmware."""

    RASTER = "raster"
    NATIVE_GBK = "native_gbk"


def commands(document: Document, *, width_dots: int, profile: Profile) -> list[bytes]:
    """Whole commands, initialising first; a question may stand between any two.

    Raises:
        DeviceRefused: no font, a code too large, a broken picture. Nothing was sent.
    """
    end = escpos.CUT if document.cut else escpos.FEED_TO_TEAR
    match profile:
        case Profile.RASTER:
            body = list(escpos.raster(raster.draw(document, width_dots=width_dots)))
        case Profile.NATIVE_GBK:
            body = list(native.body(document, width_dots=width_dots))
        case _:
            assert_never(profile)
    return [escpos.INITIALIZE, *body, end]
