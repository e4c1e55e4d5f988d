"""Text, codes and pictures turned into pixels."""

from drivers.raster.page import WIDTH_58_MM_DOTS, WIDTH_80_MM_DOTS, draw, png

__all__ = ["WIDTH_58_MM_DOTS", "WIDTH_80_MM_DOTS", "draw", "png"]
