"""Columns of a row as the types that the STRICT schema promises; anything else is our bug."""


def integer(value: object) -> int:
    """An INTEGER column that is not null."""
    assert isinstance(value, int)
    return value


def text(value: object) -> str:
    """A TEXT column that is not null."""
    assert isinstance(value, str)
    return value


def blob(value: object) -> bytes:
    """A BLOB column that is not null."""
    assert isinstance(value, bytes)
    return value


def maybe_integer(value: object) -> int | None:
    """An INTEGER column, or None for null."""
    return None if value is None else integer(value)


def maybe_text(value: object) -> str | None:
    """A TEXT column, or None for null."""
    return None if value is None else text(value)


def maybe_blob(value: object) -> bytes | None:
    """A BLOB column, or None for null."""
    return None if value is None else blob(value)
