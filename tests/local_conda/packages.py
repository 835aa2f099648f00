"""A local channel of conda, and wheels for pip, without a network.

Python is the running one under whatever version a file asks for, so that nothing has to be copied:
an environment of conda is one of venv here. Other packages are the running environment's own, under
their own versions, or have a few lines in them.
"""

import asyncio
import base64
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

from rattler.index import index_fs

SITE = "site-packages"
OWN_SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/{SITE}"


class Link(str):
    """What a symbolic link leads to, in place of a file's content."""


def package(
    channel: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    depends: Sequence[str] = (),
    noarch: bool = True,
    **index: object,
) -> str:
    """Write a package; its name in the channel. Of Python, ``noarch``, or of the platform."""
    subdir, build = ("noarch", "py_0") if noarch else ("linux-64", "0")
    index |= {"name": name, "version": version, "build": build, "build_number": 0}
    index |= {"depends": list(depends), "constrains": [], "subdir": subdir}
    rows = []
    for path, content in sorted(files.items()):
        data = b"" if isinstance(content, Link) else as_bytes(content)
        kind = "softlink" if isinstance(content, Link) else "hardlink"
        found = {"sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
        rows.append({"_path": path, "path_type": kind, **found})
    about: dict[str, object] = {"paths.json": {"paths": rows, "paths_version": 1}}
    if noarch:
        index["noarch"] = "python"
        about["link.json"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    about["index.json"] = index
    folder = channel / subdir
    folder.mkdir(parents=True, exist_ok=True)
    whole = {f"info/{each}": json.dumps(content) for each, content in about.items()}
    with tarfile.open(folder / f"{name}-{version}-{build}.tar.bz2", "w:bz2") as archive:
        for path, content in [*whole.items(), *files.items()]:
            entry = tarfile.TarInfo(path)
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            if isinstance(content, Link):
                entry.type, entry.linkname = tarfile.SYMTYPE, str(content)
                archive.addfile(entry)
            else:
                entry.size = len(as_bytes(content))
                archive.addfile(entry, io.BytesIO(as_bytes(content)))
    return f"{subdir}/{name}-{version}-{build}.tar.bz2"


def as_bytes(content: str | bytes) -> bytes:
    """What is written."""
    return content if isinstance(content, bytes) else content.encode()


def python(channel: Path, version: str) -> None:
    """The running Python, in an environment of its own."""
    base = Path(sys._base_executable)
    home = f"home = {base.parent}\ninclude-system-site-packages = false\n"
    files = {"pyvenv.cfg": home, f"{OWN_SITE}/README.txt": "", "bin/python": Link(base)}
    names = ("python3", f"python3.{sys.version_info[1]}")
    files |= {f"bin/{name}": Link("python") for name in names}
    package(channel, "python", version, files, noarch=False, python_site_packages_path=OWN_SITE)


def pip(channel: Path, version: str) -> None:
    """The pip of the running environment."""
    found = [path for path in distribution("pip").files or [] if path.parts[0] != ".."]
    files = {f"{SITE}/{path}": path.read_binary() for path in found if path.suffix != ".pyc"}
    package(channel, "pip", version, files, ["python"])


def running(channel: Path, name: str, version: str) -> None:
    """A package that the running environment has, with all others beside it."""
    ours = next(path for path in sys.path if path.endswith(SITE))
    package(channel, name, version, {f"{SITE}/running-{name}.pth": f"{ours}\n"}, ["python"])


def index(channel: Path) -> None:
    """Have the channel know its packages."""
    asyncio.run(index_fs(channel, write_zst=False, write_shards=False))


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str] | None = None) -> Path:
    """A wheel for pip of a few files, or of none."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    whole = dict(files or {})
    whole |= {f"{stem}.dist-info/METADATA": metadata, f"{stem}.dist-info/WHEEL": tag}
    record = ""
    for path, content in whole.items():
        digest = hashlib.sha256(content.encode()).digest()
        code = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        record += f"{path},sha256={code},{len(content.encode())}\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in whole.items():
            archive.writestr(name, content)
        archive.writestr(f"{stem}.dist-info/RECORD", record + f"{stem}.dist-info/RECORD,,\n")
    return path
