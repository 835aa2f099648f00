"""What the pipeline's own machinery costs at the size of a plan, and whether it holds if jobs die.

The whole graph of a config is run to its end by Snakemake as it is, 16 jobs at once, but for one
thing: a job's command is a stub, which writes small files that name themselves in place of its
outputs. So nothing is measured but the graph, the scheduler and the bookkeeping. With ``--kill
0.02``, two calls in a hundred die by SIGKILL with half a file written; at the end every file has to
be there whole, and no job may have been called more often than once and its retries. ``--finer 7``
cuts sources and selection into seven times as many jobs. Files that the config reads and that are
not there are stood in for by one crystal.

``OMP_NUM_THREADS=1 python benchmarks/scale.py config/hybrid_120k.yaml``
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
#: what Snakemake reads
PARTS = ("Snakefile", "config", "envs", "resources", "scripts", "workflow")
RETRIES = 2
CRYSTAL = (
    '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="T T T"\nAl 0 0 0\nN 2 2 2\n'
)
#: in place of a job; its first output is the name of the job in the journal
STUB = """
import os, random, signal, sys, time
rule, *outputs = sys.argv[1:]
journal, kill, seconds, seed = os.environ["SCALE_STUB"].split(",")
with open(journal, "a+") as file:
    file.seek(0)
    before = file.read().splitlines().count(f"{rule} {outputs[0]}")
    file.write(f"{rule} {outputs[0]}\\n")
time.sleep(float(seconds))
dies = random.Random(f"{seed} {outputs[0]} {before}").random() < float(kill)
for path in outputs:
    if "." not in os.path.basename(path) and not path.endswith("SHA256SUMS"):
        os.makedirs(path, exist_ok=True)
        path += "/file"
    with open(path, "w") as file:
        file.write(path[: len(path) // 2] if dies else path)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
"""
#: behind the Snakefile: what the head itself took
HEAD = """

def took(log):
    import resource
    own = resource.getrusage(resource.RUSAGE_SELF)
    with open("head.json", "w") as file:
        json.dump([own.ru_utime + own.ru_stime, own.ru_maxrss / 1e3], file)


onsuccess:
    took(log)


onerror:
    took(log)
"""
COMMAND = re.compile(r'^( +)shell:\n(?:\1 +".*"\n)+', re.MULTILINE)


def main() -> None:
    """Print what a run took, and end with 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--plan", action="store_true", help="snakemake -n alone")
    parser.add_argument("--jobs", type=int, default=16, help="at once")
    parser.add_argument("--kill", type=float, default=0.0, help="share of calls that die")
    parser.add_argument("--finer", type=int, default=1, help="times as many jobs")
    parser.add_argument("--seconds", type=float, default=0.0, help="that each job takes")
    parser.add_argument("--seed", type=int, default=1, help="of which calls die")
    parser.add_argument("--scheduler", default="greedy")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        config = prepare(args.config, args.finer, folder)
        planned, found = plan(config, folder)
        if args.plan:
            print(json.dumps(found, indent=2))
            return
        found |= run(args, config, folder) | after(folder, planned)
    print(json.dumps(found, indent=2))
    lost = found["jobs_lost"] or found["files_lost"] or found["most_calls"] > 1 + RETRIES
    sys.exit(bool(found["status"] or lost))


def prepare(path: Path, finer: int, folder: Path) -> Path:
    """A copy of the workflow with stubs for commands; the config in it."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        else:
            shutil.copyfile(ROOT / part, folder / part)
    (folder / "stub.py").write_text(STUB)
    for rules in (folder / "workflow/rules").glob("*.smk"):
        text = rules.read_text()
        stubbed, count = COMMAND.subn(
            r'\1shell:\n\1    "python -SE stub.py {rule} {output:q} > {log:q} 2>&1"\n', text
        )
        if count != text.count("shell:\n"):
            sys.exit(f"error: {rules}: {count} commands of {text.count('shell:')} replaced")
        rules.write_text(stubbed)
    with open(folder / "Snakefile", "a") as file:
        file.write(HEAD)
    config = yaml.safe_load(path.read_text())
    for source in config["sources"].values():
        source["shards"] = source.get("shards", 1) * (finer if "shards" in source else 1)
        wanted = source.get("path")
        if wanted and not (folder / wanted).exists():
            (folder / wanted).mkdir(parents=True)
            (folder / wanted / "one.extxyz").write_text(CRYSTAL)
    select = config["select"]
    select["slices"] = select.get("slices", 1) * finer
    for batch in select.get("batches", []):
        batch["slices"] *= finer
    (folder / "plan.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return folder / "plan.yaml"


def snakemake(config: Path, folder: Path, *words: object, **more: str) -> tuple[int, str]:
    """Its status and what it says."""
    python = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{python}:{os.environ['PATH']}"} | more
    environment.pop("PYTHONPATH", None)
    command = [python / "snakemake", *words, "--configfile", config]
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def plan(config: Path, folder: Path) -> tuple[Counter[str], dict[str, Any]]:
    """Jobs of each rule, and what it took to find them."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    status, text = snakemake(config, folder, "-n", "-q", "rules")
    wall = time.perf_counter() - start
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        sys.exit(text)
    cpu = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    rows = re.findall(r"^(\w+) +(\d+)$", text.split("Job stats")[-1], re.MULTILINE)
    found = Counter({rule: int(n) for rule, n in rows if rule not in ("total", "all")})
    took = {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "MB": round(now.ru_maxrss / 1e3)}
    return found, {"jobs": found.total(), "plan": took}


def run(args: argparse.Namespace, config: Path, folder: Path) -> dict[str, Any]:
    """Do it all; seconds of the run and of the head's own processor time."""
    journal = folder / "journal"
    journal.touch()
    stub = f"{journal},{args.kill},{args.seconds},{args.seed}"
    words = ["--cores", args.jobs, "--scheduler", args.scheduler, "--retries", RETRIES]
    words += ["--keep-going", "--rerun-incomplete", "--show-failed-logs"]
    start = time.perf_counter()
    status, text = snakemake(config, folder, *words, SCALE_STUB=stub)
    wall = time.perf_counter() - start
    if status:
        print(text[-3000:], file=sys.stderr)
    cpu, memory = json.loads((folder / "head.json").read_text())
    n = len(set(journal.read_text().splitlines())) or 1
    return {
        "status": status,
        "wall_s": round(wall, 1),
        "head_cpu_s": round(cpu, 1),
        "head_cpu_s_per_job": round(cpu / n, 3),
        "wall_s_per_job": round(wall / n, 3),
        "head_MB": round(memory),
    }


def after(folder: Path, planned: Counter[str]) -> dict[str, Any]:
    """What is missing or half written, and how often jobs were called."""
    calls = Counter((folder / "journal").read_text().splitlines())
    done = Counter(line.split()[0] for line in calls)
    whole, half = 0, []
    for path in (folder / "results").rglob("*"):
        inside = path.relative_to(folder).as_posix()
        if path.is_file() and not re.search(
            r"/(logs|benchmarks|settings)/|/head.json$|/\.", inside
        ):
            if path.read_text(errors="replace") == inside:
                whole += 1
            else:
                half.append(inside)
    return {
        "jobs_lost": sum((planned - done).values()),
        "calls": calls.total(),
        "calls_killed": calls.total() - len(calls),
        "most_calls": max(calls.values(), default=0),
        "files": whole,
        "files_lost": half,
    }


if __name__ == "__main__":
    main()
