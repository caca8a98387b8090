"""Build the wheel, install it alone in an empty environment, and wrap a two-line WSGI app there.

Run by `make check`; not a pytest module, since it must see none of this environment. What breaks here is what a
user's service would meet: a module that is missing from the wheel, or an import beyond the standard library.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROBE = """
import sys
from chaos_middleware import ChaosMiddleware

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]

wrapped = ChaosMiddleware(app)
answer = wrapped({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda status, headers: None)
assert b"".join(answer) == b"fine"

import json, pathlib
rule = {"name": "edge", "seam": "wsgi", "rate": 1, "fault": {"type": "http_error", "status": 503}}
pathlib.Path("chaos-config.json").write_text(json.dumps({"version": 1, "seed": 1, "rules": [rule]}))
statuses = []
wrapped = ChaosMiddleware(app, "chaos-config.json", enabled=True)
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_CHAOS_KEY": "0.0.0", "REMOTE_ADDR": "127.0.0.1"}
b"".join(wrapped(environ, lambda status, headers, exc_info=None: statuses.append(status)))
wrapped.uninstall()
assert statuses[0].startswith("503"), statuses

from importlib.resources import files
assert files("chaos_middleware").joinpath("experiment.schema.json").is_file()
foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - {"chaos_middleware", "__main__"}
assert not {name for name in foreign if not name.startswith("_")}, foreign
print("bare wheel: ChaosMiddleware works with the standard library alone")
"""


def main() -> None:
    """Build, install, probe; a failure ends with the failing command's own message."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
        subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", str(scratch), str(ROOT)], check=True)
        venv.create(scratch / "env", with_pip=False)
        python = scratch / "env" / "bin" / "python"
        (wheel,) = scratch.glob("*.whl")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(wheel)], check=True)
        subprocess.run([str(python), "-I", "-c", PROBE], cwd=scratch, check=True)
        command = subprocess.run(
            [str(scratch / "env" / "bin" / "chaos-test"), "run"],
            cwd=scratch,
            check=False,
            capture_output=True,
            text=True,
        )
        said = command.stdout + command.stderr
        if "chaos-test[toolkit]" not in said or "Traceback" in said:
            sys.exit(f"without the toolkit the command must say what to install; it said:\n{said}")
        print("bare wheel: the command says what to install")


if __name__ == "__main__":
    main()
