"""Inject faults into a run, type the same command, and tell what became of it.

    python benchmarks/faults.py RESULTS.jsonl [--kinds PART ...] [--seed 1] [--workers 2]
    python benchmarks/faults.py RESULTS.jsonl --table docs/reliability.md

Every finished injection is a line of RESULTS.jsonl; the same command goes on where it stopped.
``--only KIND:NUMBER`` makes one injection and prints all that is known of it.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]

import faults.kinds  # noqa: E402, F401  fills the table of kinds
from faults.harness import KINDS, Injection, inject  # noqa: E402
from faults.outcomes import OUTCOMES  # noqa: E402
from faults.runs import Reference  # noqa: E402

BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"
REDRAWN = 5040  # added to the number of an injection that did not strike: has the same variants
COUNTED = ("equal bits", "healed", "refused", "person", "wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="JSON lines, one for each injection")
    parser.add_argument("--kinds", nargs="*", help="names of kinds, or parts of names; all without")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="KIND:NUMBER; nothing is kept")
    parser.add_argument("--workers", type=int, default=1, help="injections at the same time")
    parser.add_argument("--at-most", type=int, help="of each kind")
    parser.add_argument("--folder", type=Path, help="where the runs are; a temporary one without")
    parser.add_argument("--table", type=Path, help="write the table into this page, and do no more")
    args = parser.parse_args()
    if args.table:
        args.table.write_text(_with_table(args.table.read_text(), _table(_read(args.results))))
        return
    # under nohup, the heads that are to die of SIGHUP would ignore it: a handler is not inherited
    signal.signal(signal.SIGHUP, lambda *_: None)
    folder = args.folder or Path(tempfile.gettempdir()) / "limbeck-faults"
    folder.mkdir(parents=True, exist_ok=True)
    reference = Reference.make(ROOT, folder)
    if args.only:
        name, _, number = args.only.rpartition(":")
        found = inject(reference, _named(name)[0], int(number), args.seed, folder / "only")
        print(json.dumps(found.row(), indent=2))
        return
    _inject_all(args, reference, folder)


def _named(part: str) -> list[str]:
    return [name for name in KINDS if part in name]


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _inject_all(args: argparse.Namespace, reference: Reference, folder: Path) -> None:
    chosen = [n for part in args.kinds or [""] for n in _named(part)]
    done = {
        (r["kind"], r["number"] % REDRAWN) for r in _read(args.results) if r["seed"] == args.seed
    }
    numbers = {n: range(min(KINDS[n][1], args.at_most or KINDS[n][1])) for n in chosen}
    # in turn through the kinds, so that a part of all is a part of each
    todo = sorted(
        ((i, n) for n in chosen for i in numbers[n] if (n, i) not in done),
        key=lambda item: (item[0], chosen.index(item[1])),
    )
    lock = Lock()

    def one(item: tuple[int, str]) -> None:
        number, name = item
        place = folder / f"injection-{chosen.index(name)}-{number}"
        found = inject(reference, name, number, args.seed, place)
        for again in range(1, 4):
            if found.outcome == "not struck":
                redrawn = number + again * REDRAWN
                found = inject(reference, name, redrawn, args.seed, place)
        with lock:
            _keep(args.results, found)

    with ThreadPoolExecutor(args.workers) as pool:
        list(pool.map(one, todo))


def _keep(path: Path, found: Injection) -> None:
    with open(path, "a", encoding="utf-8") as handle:
        handle.write(json.dumps(found.row()) + "\n")
    print(f"{found.outcome:10} {found.kind} {found.number}: {found.place} ({found.seconds} s)")
    if found.outcome not in ("equal bits", "healed", "refused"):
        print(f"           {found.why[:600]}", flush=True)


def _table(rows: list[dict]) -> str:
    head = ["kind", "injected", "in the last half of a job", *COUNTED, "s each"]
    lines = [_line(head), _line(["---"] * len(head))]
    for name in [*KINDS, ""]:
        of = [r for r in rows if r["outcome"] in COUNTED and name in ("", r["kind"])]
        if not of:
            continue
        counts = Counter(r["outcome"] for r in of)
        seconds = sum(r["seconds"] for r in of) / len(of)
        late = sum(r["late"] is True for r in of)
        numbers = [len(of), late, *(counts[o] for o in COUNTED), f"{seconds:.0f}"]
        lines.append(_line([name or "**all**", *numbers]))
    meanings = [f"- {name}: {OUTCOMES[name]}" for name in COUNTED]
    persons = [
        f"- {r['place']}: {' '.join(r['why'].split())}" for r in rows if r["outcome"] == "person"
    ]
    told = ["", "What a person was asked for:", "", *persons] if persons else []
    return "\n".join([*lines, "", *meanings, *told])


def _line(cells: list[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _with_table(page: str, table: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not page.count(END):
        sys.exit(f"expected the lines {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


if __name__ == "__main__":
    main()
