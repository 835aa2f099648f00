"""The commands of conda that Snakemake gives; see the folder's __init__.py."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import rattler
import yaml

HOME = Path(__file__).resolve().parents[1]
PLATFORM = "linux-64"
KEYS = {"channels", "dependencies"}


async def solved(specs):
    """Packages of the channel that together meet these."""
    gateway = rattler.Gateway(cache_dir=HOME / "repodata")
    return await rattler.solve(
        [os.environ["CONDA_TEST_CHANNEL"]],
        [rattler.MatchSpec(spec, strict=True) for spec in specs],
        gateway=gateway,
        platforms=[PLATFORM, "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
    )


async def link(records, prefix):
    """Put packages into a prefix."""
    packages = HOME / "packages"
    await rattler.install(records, prefix, cache_dir=packages, show_progress=False)
    for record in records:
        print(f"linked {record.name.normalized} {record.version}")


async def create_of_yaml(path, prefix):
    """conda env create --file PATH --prefix PREFIX"""
    found = yaml.safe_load(path.read_text())
    if unknown := set(found) - KEYS:
        sys.exit(f"EnvironmentSectionNotValid: {sorted(unknown)} in {path}")
    if found["channels"] != ["conda-forge", "nodefaults"]:
        sys.exit(f"{path}: channels {found['channels']}")
    entries = found["dependencies"]
    await link(await solved([e for e in entries if isinstance(e, str)]), prefix)
    for entry in entries:
        if isinstance(entry, dict):  # as conda does: a file of requirements beside the other
            with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt") as file:
                file.write("\n".join(entry["pip"]) + "\n")
                file.flush()
                words = ["-m", "pip", "install", "--exists-action=b", "-r", file.name]
                subprocess.run([prefix / "bin/python", *words], check=True)


async def create_of_pins(path, prefix):
    """conda create --file PIN.TXT --prefix PREFIX: packages at addresses, and no solver."""
    channel = os.environ["CONDA_TEST_CHANNEL"]
    records = []
    lines = path.read_text().splitlines()
    for url in (line for line in lines if line and line[0] not in "#@"):
        name = url.rsplit("/", 1)[1]
        asked = rattler.Gateway(cache_dir=HOME / "repodata")
        spec = name.rsplit("-", 2)[0]
        found = await asked.query([channel], [PLATFORM, "noarch"], [spec], recursive=False)
        fits = [r for several in found for r in several if r.file_name == name]
        if not url.startswith(channel) or not fits:
            sys.exit(f"PackagesNotFoundError: {url}")
        records.append(fits[0])
    await link(records, prefix)


def main():
    """Do what is asked."""
    parser = argparse.ArgumentParser()
    for flag in ("--json", "--quiet", "--no-default-packages", "--tarballs"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-y", "--yes", action="store_true")
    parser.add_argument("--get")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--prefix", type=Path)
    parser.add_argument("--version", action="version", version="conda 24.11.3")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    match args.words:
        case ["info"]:
            about = {"conda_prefix": str(HOME), "platform": PLATFORM, "envs": []}
            print(json.dumps(about))
        case ["config"] if args.get == "channel_priority":
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create"]:
            asyncio.run(create_of_yaml(args.file, args.prefix))
        case ["create"]:
            asyncio.run(create_of_pins(args.file, args.prefix))
        case ["clean"]:
            pass  # nothing was downloaded
        case other:
            sys.exit(f"not a command that Snakemake gives: {other}")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # as conda: a line, and a status
        sys.exit(f"{type(error).__name__}: {error}")
    # Threads of py-rattler's own may still be at work when Python takes itself apart, and then
    # crash it, though all is done.
    sys.stdout.flush()
    os._exit(0)
