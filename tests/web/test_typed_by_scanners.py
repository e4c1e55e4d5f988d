"""Whether a text that a scanner typed into the page is whole, asked of the page's own module."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sync.wire.rotating import rotating_text
from sync.wire.token import v1_text

MODULE = Path(__file__).parents[2] / "edge/web/static/wedge.js"
CODE_ID = bytes.fromhex("0123456789abcdef0123")
V3 = rotating_text(CODE_ID, bytes(20), 1_790_000_000)


def whole(*texts: str) -> list[bool]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    node = shutil.which("node", path=path)
    assert node is not None
    script = (
        f"const {{ whole }} = await import({json.dumps(MODULE.as_uri())});"
        f"console.log(JSON.stringify({json.dumps(texts)}.map(whole)));"
    )
    done = subprocess.run(
        [node, "--input-type=module", "--no-warnings", "-e", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    found: list[bool] = json.loads(done.stdout)
    return found


def test_a_rotating_code_is_asked_whole_or_not_at_all() -> None:
    lost = [V3[:place] + V3[place + 1 :] for place in range(len(V3))]
    assert whole(V3, v1_text(CODE_ID)) == [True, True]
    assert whole(*lost) == [False] * len(lost)


def test_a_key_that_was_typed_as_another_is_noticed_in_the_id() -> None:
    wrong = [
        V3[:place] + ("7" if V3[place] != "7" else "8") + V3[place + 1 :] for place in range(3, 19)
    ]
    assert whole(*wrong) == [False] * 16
