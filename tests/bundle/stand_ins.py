"""Images under the compose file's exact tags, made of what Debian has: no registry is needed.

Prometheus and Alertmanager are the real programs, of a version that Debian has. Loki, Jaeger, Grafana, the collector
and the sample are STAND-INS: each is busybox's web server, on the address of the service's probe, with the pages named
in `PAGES` and nothing else. Any other call is answered 404, or 501 for a method that is not GET.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.errors import ImageNotFound
from docker.utils import parse_repository_tag

from tests.bundle.engine import newer
from warroom.bundle.compose_file import Bundle, Service

PAGES: Mapping[str, Mapping[str, str]] = {
    "loki": {"/ready": "ready\n"},
    "jaeger": {"/": "<title>Jaeger UI</title>\n", "/api/services": '{"data":[],"total":0}\n', "/status": "{}\n"},
    "grafana": {"/api/health": '{"database":"ok","version":"13.1.0"}\n'},
    "collector": {"/": '{"status":"Server available"}\n'},
    "sample": {"/healthz": "ok\n", "/metrics": "sample_up 1\n"},
}
"""Paths that the real servers have, so that a probe of a wrong path fails here as it would there."""

ENTRY_POINTS = {
    "loki": "/usr/bin/loki",
    "jaeger": "/cmd/jaeger/jaeger-linux",
    "grafana": "/run.sh",
    "collector": "/otelcol-contrib",
    "sample": "/app/sample",
}
"""Where the official images have their program."""

SHELL = "#!/bin/sh\n"

# Debian's Prometheus is older than the one that the file names. It says which options it has to do without.
PROMETHEUS = (
    SHELL
    + """known=$(/bin/prometheus.real --help 2>&1)
kept=
for word in "$@"; do
    name=${word%%=*}
    case $known in
        *"$name"*) kept="$kept $word" ;;
        *) echo "stand-in: this Prometheus has no option $name, it does without" >&2 ;;
    esac
done
exec /bin/prometheus.real $kept
"""
)


# The sample's own check is a line of Python that opens a page; here the same page is opened without Python.
PYTHON = (
    SHELL
    + """url=${2#*http://}
exec wget -q -O /dev/null "http://${url%%\\'*}"
"""
)


class Root:
    """The files of an image, as a tar."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._folders: set[str] = set()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w")  # noqa: SIM115 (closed by `data`)
        self.folder("www")
        self.folder("tmp", 0o1777)
        self.put("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        busybox = shutil.which("busybox")
        assert busybox, "busybox is not installed (Debian: busybox-static)"
        self.put("bin/busybox", Path(busybox).read_bytes(), 0o755)
        for name in ("sh", "wget", "cat", "httpd", "kill", "sleep", "nc", "tail", "env"):
            self.link(f"bin/{name}", "/bin/busybox")

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        if path in ("", "/", ".") or path in self._folders:
            return
        self.folder(path.rpartition("/")[0])
        self._folders.add(path)
        about = tarfile.TarInfo(path)
        about.type, about.mode, about.uid, about.gid = tarfile.DIRTYPE, mode, owner, owner
        self._tar.addfile(about)

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self.folder(path.rpartition("/")[0])
        about = tarfile.TarInfo(path)
        about.size, about.mode = len(content), mode
        self._tar.addfile(about, io.BytesIO(content))

    def link(self, path: str, to: str) -> None:
        self.folder(path.rpartition("/")[0])
        about = tarfile.TarInfo(path)
        about.type, about.linkname = tarfile.SYMTYPE, to
        self._tar.addfile(about)

    def program(self, path: str, program: Path) -> None:
        """A program with the libraries it is linked with."""
        self.put(path, program.read_bytes(), 0o755)
        said = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
        for word in said.split():
            if word.startswith("/"):
                self.put(word.lstrip("/"), Path(word).read_bytes(), 0o755)

    def data(self) -> bytes:
        self._tar.close()
        return self._bytes.getvalue()


def import_images(client: Any, bundle: Bundle) -> None:
    """Every image that the compose file names and that is not there yet."""
    for service in bundle.services:
        try:
            client.inspect_image(service.image)
        except ImageNotFound:
            import_one(client, service)


def import_one(client: Any, service: Service) -> None:
    made = {"prometheus": _prometheus, "alertmanager": _alertmanager}.get(service.name, _stand_in)
    root, changes = made(service)
    put_image(client, service.image, root, changes)


def put_image(client: Any, image: str, root: Root, changes: list[str]) -> None:
    """Make it the image of that name, whatever was there under it."""
    repository, tag = parse_repository_tag(image)
    client.import_image_from_data(root.data(), repository=repository, tag=tag, changes=changes)


def script(service: Service, text: str) -> tuple[Root, list[str]]:
    """An image of that service whose program is a shell script."""
    root = Root()
    path = ENTRY_POINTS[service.name]
    root.put(path.lstrip("/"), (SHELL + text).encode(), 0o755)
    return root, [f'ENTRYPOINT ["{path}"]', 'ENV PATH="/bin:/usr/bin"']


def _stand_in(service: Service) -> tuple[Root, list[str]]:
    probe = urlsplit(service.probe)
    root, changes = script(
        service,
        f"""echo "stand-in for {service.name}: listens on {probe.netloc}, was called with: $*"
trap 'kill $!; exit 0' TERM INT
/bin/httpd -f -vv -p {probe.netloc} -h /www &
wait
""",
    )
    for path, page in PAGES[service.name].items():
        root.put("www" + (path if path != "/" else "/index.html"), page.encode())
    if service.name == "sample":
        root.put("bin/python", PYTHON.encode(), 0o755)
    return root, changes


def _binary(name: str) -> Path:
    root = newer()
    if root is not None and (root / "usr/bin" / name).is_file():
        return root / "usr/bin" / name
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return Path(found)


def _prometheus(_service: Service) -> tuple[Root, list[str]]:
    root = Root()
    root.program("bin/prometheus.real", _binary("prometheus"))
    root.put("bin/prometheus", PROMETHEUS.encode(), 0o755)
    root.folder("prometheus", 0o755, 65534)
    root.folder("etc/prometheus")
    return root, ["USER nobody", 'ENTRYPOINT ["/bin/prometheus"]', "WORKDIR /prometheus", 'VOLUME ["/prometheus"]']


def _alertmanager(_service: Service) -> tuple[Root, list[str]]:
    root = Root()
    root.program("bin/alertmanager", _binary("prometheus-alertmanager"))
    # Debian's build reads its default templates from here and ends without them.
    for name in ("default.tmpl", "email.tmpl"):
        path = Path("usr/share/prometheus/alertmanager") / name
        at = (newer() or Path("/")) / path
        root.put(str(path), (at if at.is_file() else Path("/") / path).read_bytes())
    root.folder("alertmanager", 0o755, 65534)
    root.folder("etc/alertmanager")
    return root, ["USER nobody", 'ENTRYPOINT ["/bin/alertmanager"]', 'VOLUME ["/alertmanager"]']
