"""A program is asked for structures, again for what falls short, and what became of them is told.

What a script of a program has beside this: how to find it (``prepare``), and how to ask it once
(``ask``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple

from generators import structures
from generators.programs import Failed, Stop, environment
from generators.structures import Structure

#: sums of covalent radii: below it no two atoms of any kind pass the screening
LEAST_RATIO = 0.5


class Ask(NamedTuple):
    """What one round asks for.

    Attributes:
        settings: the section of the generator.
        wanted: number of structures, by what they are to be (a formula, a SMILES), empty where
            anything is.
        seed: of this round.
        folder: empty, for whatever the program writes.
        variables: the environment of the program.
        threads, device: of the job.
        conditions: what MatterGen is asked for.
    """

    settings: dict[str, Any]
    wanted: dict[str, int]
    seed: int
    folder: Path
    variables: dict[str, str]
    threads: int
    device: str
    conditions: dict[str, Any]

    @property
    def total(self) -> int:
        """Of all structures."""
        return sum(self.wanted.values())


#: finds the program and its weights for a job; gives what ``ask`` needs, and its version
Prepare = Callable[[Dict[str, Any]], "tuple[Any, str]"]
#: asks once: what was made, by what it was to be; None for one that cannot be read
AskOnce = Callable[[Ask, Any], "dict[str, list[Structure | None]]"]


def main(description: str, prepare: Prepare, ask: AskOnce) -> None:
    """Read the command line of a script, make one shard, write it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--settings", required=True, help="JSON file of limbeck's RunGenerator")
    parser.add_argument("--recipe", default="", help="what the shard is made of, for its header")
    parser.add_argument("--structures", type=Path, required=True, help="file to write")
    parser.add_argument("--output", type=Path, required=True, help="JSON of what became of it")
    args = parser.parse_args()
    job = json.loads(Path(args.settings).read_text(encoding="utf-8"))
    own = job["generator"]
    try:
        found, version = prepare(job)
    except Stop as error:
        message = "generators.{}: {}".format(own["name"], error)
        if own["if_missing"] != "skip":
            sys.exit(f"error: {message}")
        print(f"{message}; left out, as if_missing says", flush=True)
        kept: list[Structure] = []
        report: dict[str, Any] = {"missing": str(error), "rounds": [], "asked": job["count"]}
    else:
        kept, report = make(job, found, ask)
        report.update(missing=None, version=version)
        if not kept:
            reasons = ", ".join(f"{n} {r}" for r, n in report["refused"].items())
            sys.exit(
                "error: generators.{}: nothing of use in {} rounds ({}); the log above has what "
                "the program said".format(
                    own["name"], len(report["rounds"]), reasons or "no output"
                )
            )
    write(args.structures, structures.written(kept))
    report.update(generator=own["name"], program=own["program"], kept=len(kept))
    report.update(host=platform.node(), python=platform.python_version(), recipe=args.recipe)
    write(args.output, sealed(report))


def wanted_of(job: dict[str, Any]) -> dict[str, int]:
    """How many of each thing the shard is to have: those of the list in turn, over all shards."""
    own = job["generator"]
    of = own.get("formulas") or [""]
    if own.get("smiles"):
        lines = Path(own["smiles"]).read_text(encoding="utf-8").splitlines()
        of = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    numbers = range(job["shard"], own["count"], own["shards"])
    return dict(Counter(of[n % len(of)] for n in numbers))


def make(job: dict[str, Any], found: Any, ask: AskOnce) -> tuple[list[Structure], dict[str, Any]]:
    """The structures of a shard, and what became of all that were made.

    Each round asks for what the rounds before it fell short of, with a seed of its own.
    """
    own, wanted = job["generator"], wanted_of(job)
    kept: dict[str, list[Structure]] = {name: [] for name in wanted}
    rounds: list[dict[str, Any]] = []
    ratio = job["min_distance_ratio"]
    limits = own["elements"], LEAST_RATIO if ratio is None else ratio
    started = time.time()
    for number in range(own["max_rounds"]):
        short = {name: n - len(kept[name]) for name, n in wanted.items() if n > len(kept[name])}
        if not short:
            break
        seed = seed_of(job["seed"], own["name"], job["shard"], number)
        row: dict[str, Any] = {"seed": seed, "asked": sum(short.values()), "failed": None}
        refused: Counter[str] = Counter()
        made: dict[str, list[Structure | None]] = {}
        begun = time.time()
        with tempfile.TemporaryDirectory(prefix="limbeck-") as folder:
            own_folder = Path(folder, "work")
            own_folder.mkdir()
            variables = environment(job["threads"], job["device"], Path(folder))
            of_job = job["threads"], job["device"], job["conditions"]
            asked = Ask(own, short, seed, own_folder, variables, *of_job)
            try:
                made = ask(asked, found)
            except Failed as error:
                row["failed"] = str(error)
                print(f"round {number}: {error}", flush=True)
        surplus = 0
        for name, several in made.items():
            for structure in several:
                reason = structures.fault(structure, *limits)
                if reason:
                    refused[reason] += 1
                elif len(kept[name]) < wanted[name] and structure is not None:
                    kept[name].append(structure)
                else:
                    surplus += 1
        row["made"], row["surplus"] = sum(map(len, made.values())), surplus
        row["refused"], row["seconds"] = dict(refused), round(time.time() - begun, 3)
        rounds.append(row)
        print(f"round {number}: {json.dumps(row)}", flush=True)
    all_kept = [structure for several in kept.values() for structure in several]
    total: Counter[str] = Counter()
    for row in rounds:
        total.update(row["refused"])
    made_in_all = sum(row["made"] for row in rounds)
    seconds = time.time() - started
    short_of = {name: n - len(kept[name]) for name, n in wanted.items() if n > len(kept[name])}
    return all_kept, {
        "asked": sum(wanted.values()),
        "made": made_in_all,
        "surplus": sum(row["surplus"] for row in rounds),
        "refused": dict(total),
        "lost_to_elements": total[structures.NOT_ALLOWED] / made_in_all if made_in_all else None,
        "short_of": short_of,
        "rounds": rounds,
        "seconds": round(seconds, 3),
        "seconds_per_structure": round(seconds / len(all_kept), 4) if all_kept else None,
    }


def seed_of(seed: int, name: str, shard: int, number: int) -> int:
    """A seed for each round, of 31 bits, which every generator of random numbers takes."""
    text = f"{seed} {name} {shard} {number}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) >> 1


def sealed(report: dict[str, Any]) -> str:
    """JSON with its hash, as limbeck.check.seal has it."""
    text = json.dumps(report, sort_keys=True)
    whole = dict(report, sha256=hashlib.sha256(text.encode()).hexdigest())
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def write(path: Path, text: str) -> None:
    """Write a whole file, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    with open(str(temporary), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
