"""What each part of a run made of each source, how much was lost on the way, and why.

A part is a source, a sampling, a subsystem or a set of force constants. A shard of it may well be
empty; a part that made nothing in all its shards is told before anything is labelled, since a run
without it is another run than the one asked for.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from limbeck import reasons
from limbeck.config.config import Config
from limbeck.config.plan import Part, frames_of_part, parts_of_stage, tables_of_part
from limbeck.errors import LimbeckError, Unfit
from limbeck.storage import read_header

#: what is neither lost nor asked for: it is there already
AGAIN = frozenset(
    {
        reasons.REPEATED,
        reasons.REPEATED_CONFORMER,
        reasons.DUPLICATE,
        reasons.SAME_STRUCTURE,
        reasons.SINGLE_ATOM,  # no structure, but the energy of an element beside those of others
    }
)
#: what the rows of tables are
WHAT = {
    "sources": "structures",
    "force_constants": "structures",
    "sampling": "structures",
    "subsystems": "clusters",
}
OUTCOME = {
    "sources": "none is left",
    "force_constants": "none has force constants",
    "sampling": "came no frame",
    "subsystems": "came no cluster",
}
#: columns of summaries that are counted
NUMBERS = {"frames", "set_aside"}
DRAWS_TOO_NEAR = "no draw kept all atoms apart"
#: reasons that a line names, the most frequent first
REASONS_TOLD = 2

_ASTRAY = "is the potential fit for these structures, and time_step_fs short enough?"
_UNIT = "are lengths in nm or Bohr? Then write length_unit: nm, or Bohr, into the source"
#: beginning of a reason -> what may be behind it where all of a part have it, and what to do
GUESSES = {
    reasons.FLAT_CELL: _UNIT,
    reasons.TOO_CLOSE: _UNIT,
    reasons.TOO_DENSE: _UNIT,
    reasons.TOO_THIN: _UNIT,
    reasons.CONTACT_TOO_CLOSE: "are molecules whole, and lengths in Angstrom?",
    reasons.TOO_MANY_ATOMS: "raise screen.max_atoms, or take smaller cells",
    reasons.NO_PERIOD: "give every direction that pbc names a lattice vector",
    reasons.ELECTRONS: "is spin the multiplicity? Then write spin_is: multiplicity into the source",
    reasons.SAME_STRUCTURE: "duplicates.keep_all_of keeps them",
    reasons.PARTLY_OCCUPIED: "write ordered structures instead",
    reasons.OUTSIDE: "widen elements (H among them), n_heavy, n_atoms or charges",
    reasons.NO_MORE: "widen elements, n_heavy or charges, or lower count",
    reasons.CROWDED: "where such bonds are meant, write any_bonds: true into screen",
    reasons.FELL_APART: "where pieces are meant, write any_bonds: true into screen",
    reasons.STANDS_ALONE: "where that is meant, write lone_atoms: true into screen",
    reasons.BAD_SMILES: "does each line begin with its SMILES?",
    reasons.NO_CELL: "isolated molecules and clusters have no cell: sample them with ensemble NVT",
    reasons.ISOLATED: "molecules and clusters have none: name sources of crystals",
    reasons.LONE_ATOM: 'take single atoms as they are, with "generated" in select.include',
    reasons.UNKNOWN_ELEMENT: "name a potential that knows the elements",
    reasons.FAILED: "its own message is in the log of the job",
    reasons.CHARGED: "charged cells are sampled as they are, with supercell_radius_A: null",
    reasons.TOO_NEAR: "lower min_distance_ratio, or sample with a potential fit for these elements",
    reasons.BOND_BROKEN: _ASTRAY,
    reasons.TOO_HOT: _ASTRAY,
    reasons.TOO_HIGH: _ASTRAY,
    reasons.TOO_FAST: _ASTRAY,
    reasons.CELL_CHANGED: "is its stress any good, the pressure in GPa?",
    reasons.NO_FORCE: "all atoms are beyond the potential's cut-off: are lengths in Angstrom?",
    reasons.NOT_REACHED: "lower energy_target_eV_per_atom, or allow more max_steps",
    reasons.NO_FORCE_CONSTANTS: "see the reasons in the table of its force constants",
    DRAWS_TOO_NEAR: "lower standard_deviation_A",
    "not relaxed": "allow more relax_steps, or a larger relax_force_tolerance_eV_per_A",
    reasons.RUNAWAY: "is the potential fit for them? Or take relax_input_cell: only_atoms",
}
#: of sources that are made and not read, where lengths have no unit to be mistaken
GUESSES_OF_MADE = {
    reasons.TOO_CLOSE: "lower strain or displacement_A of the source, or screen.min_distance_ratio",
    reasons.TOO_DENSE: "lower its strain, or raise screen.max_density_g_cm3",
    reasons.TOO_THIN: "lower screen.min_density_g_cm3",
}


@dataclass(frozen=True)
class Yield:
    """What a part made of a source.

    Attributes:
        part: which one, of which source.
        made: structures, frames, clusters or crystals with force constants that it made.
        asked: rows of its tables, which are :data:`WHAT` or trajectories; those that repeat others
            are left out.
        lost: reason -> how many of these were refused, set aside or cut.
        what: of ``asked``.
    """

    part: Part
    made: int
    asked: int
    lost: Counter[str]
    what: str


def yields(config: Config, stage: str, path: Callable[[str], Path]) -> list[Yield]:
    """What every part of a stage made, see :func:`limbeck.config.plan.parts_of_stage`.

    Args:
        path: of a file below the run.
    """
    return [_yield_of(config, part, path) for part in parts_of_stage(config, stage)]


def _yield_of(config: Config, part: Part, path: Callable[[str], Path]) -> Yield:
    rows = [row for name in tables_of_part(config, part) for row in _rows(path(name))]
    files = frames_of_part(config, part)
    made = sum(int(read_header(path(name))["count"]) for name in files)
    if part.section == "sources":  # its tables have what was refused alone
        lost = _reasons(rows)
        # where nothing is left, what was there already is why
        again = sum(lost.pop(reason, 0) for reason in AGAIN) if made else 0
        return Yield(part, made, made + len(rows) - again, lost, "structures")
    if part.section == "force_constants":
        made = sum(not row.get("reason") for row in rows)
    if part.section == "sampling" and rows and "set_aside" in rows[0]:  # drawn frame by frame
        aside = sum(int(row["set_aside"]) for row in rows)
        lost = Counter({DRAWS_TOO_NEAR: aside} if aside else {})
        return Yield(part, made, made + aside, lost, "draws")
    # A path that ends before its minimum has all its frames.
    keeps = part.section == "sampling" and config.sampling[part.name].method == "relax_path"
    lost = _reasons(row for row in rows if not (keeps and int(row["frames"])))
    what = "trajectories" if rows and "trajectory" in rows[0] else WHAT[part.section]
    return Yield(part, made, len(rows), lost, what)


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, whose numbers are numbers.

    Raises:
        LimbeckError: there is no such file.
        Unfit: it is not readable.
    """
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle, strict=True))
        for row in rows:
            for column in NUMBERS & row.keys():
                int(row[column])
    except FileNotFoundError as error:
        raise LimbeckError(f"{path}: no such file") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise Unfit(path, f"not readable as CSV: {error}") from error
    return rows


def _reasons(rows: Iterable[dict[str, str]]) -> Counter[str]:
    found = (row.get("cut") or row.get("reason") or "" for row in rows)
    return Counter(reason for reason in found if reason)


def empty(config: Config, found: Sequence[Yield]) -> Iterator[str]:
    """A line for each part that made nothing of a source that gave it something.

    None for one with ``allow_empty``.
    """
    for one in found:
        allowed = getattr(config, one.part.section)[one.part.name].allow_empty
        # Of nothing nothing is made: what came before has been told, or allowed.
        told_before = one.part.section != "sources" and not one.asked
        if not (one.made or allowed or told_before or _without_force_constants(one)):
            yield _line(config, one)


def _without_force_constants(one: Yield) -> bool:
    """Whether it lacks nothing but force constants, which are a part of their own."""
    return one.part.section == "sampling" and set(one.lost) == {reasons.NO_FORCE_CONSTANTS}


def _line(config: Config, one: Yield) -> str:
    section, name, source = one.part
    text = f"{section}.{name}" + f" of sources.{source}" * (section != "sources")
    text += f": of {one.asked} {one.what} {OUTCOME[section]}"
    # what repeats another says little: the other is gone as well
    told = sorted(one.lost.items(), key=lambda item: (item[0] in AGAIN, -item[1]))
    for reason, number in told[:REASONS_TOLD]:
        which = "all" if number == one.asked else number
        text += f"; {which} of them: {reason}{_guess(config, one, reason)}"
    return f"{text}; where that is meant, write allow_empty: true into {section}.{name}"


def _guess(config: Config, one: Yield, reason: str) -> str:
    made = one.part.section == "sources" and config.sources[one.part.source].kind != "file"
    guesses = (GUESSES | GUESSES_OF_MADE) if made else GUESSES
    found = next((text for start, text in guesses.items() if reason.startswith(start)), "")
    return f" ({found})" if found else ""
