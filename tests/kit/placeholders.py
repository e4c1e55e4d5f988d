"""How many values a statement wants."""

import re


def placeholders(text: str) -> int:
    """The count of `?`, or the highest number where they are numbered (`?1`)."""
    numbered = re.findall(r"\?(\d+)", text)
    return max(map(int, numbered)) if numbered else text.count("?")
