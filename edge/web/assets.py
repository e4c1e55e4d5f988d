"""Static files, read once at start: compressed, named by their content, cached for ever."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from edge.web import problems

_FOLDER = Path(__file__).parent / "static"
_IMMUTABLE = "public, max-age=31536000, immutable"
_MIN_GZIP_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    media_type: str
    plain: bytes
    zipped: bytes | None


class Assets:
    """Every file under static/, served below one path that changes when any of them does.

    One hash for all lets a module import its neighbour by a relative name.
    """

    def __init__(self, folder: Path = _FOLDER) -> None:
        """Read and compress all files of `folder` (below 1 MB in all)."""
        self._files: dict[str, _File] = {}
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            name, plain = path.relative_to(folder).as_posix(), path.read_bytes()
            digest.update(f"{name}\0{len(plain)}\0".encode() + plain)
            zipped = gzip.compress(plain, 9, mtime=0) if len(plain) >= _MIN_GZIP_BYTES else None
            self._files[name] = _File(media_type=_media_type(name), plain=plain, zipped=zipped)
        self.base = f"/static/{digest.hexdigest()[:16]}"

    async def serve(self, request: Request) -> Response:
        """One file; 404 for a name or a hash that is not ours."""
        file = self._files.get(request.path_params["name"])
        if file is None or request.path_params["digest"] != self.base.rpartition("/")[2]:
            return problems.response("not_found")
        headers = {"cache-control": _IMMUTABLE, "vary": "accept-encoding"}
        if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(file.zipped, media_type=file.media_type, headers=headers)
        return Response(file.plain, media_type=file.media_type, headers=headers)


def _media_type(name: str) -> str:
    if name.endswith(".js"):
        return "text/javascript; charset=utf-8"
    if name.endswith(".webmanifest"):
        return "application/manifest+json"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
