"""A request that the hub will not carry out, as RFC 9457 says it (`application/problem+json`)."""

from dataclasses import dataclass, field


@dataclass(kw_only=True)  # not frozen: Python writes tracebacks into exceptions
class Problem(Exception):
    """What is wrong: an HTTP status, a stable code and a sentence for a person."""

    status: int
    code: str
    detail: str
    extra: dict[str, int | str] = field(default_factory=dict[str, int | str])

    def __str__(self) -> str:
        """The sentence."""
        return self.detail

    def document(self) -> dict[str, int | str]:
        """The members of the problem document."""
        return {
            "type": "about:blank",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


def missing(what: str) -> Problem:
    """404: it does not exist."""
    return Problem(status=404, code="not_found", detail=f"There is no {what}.")


def invalid(detail: str) -> Problem:
    """422: it cannot be so."""
    return Problem(status=422, code="invalid", detail=detail)


def refused(code: str, detail: str) -> Problem:
    """409: it cannot be so now."""
    return Problem(status=409, code=code, detail=detail)
