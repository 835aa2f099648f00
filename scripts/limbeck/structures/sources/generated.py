"""Structures that a generative model wrote, of which nothing is trusted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.formula import Formula

from limbeck import reasons
from limbeck.check.content import files_of
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Generated
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.reasons import Refused
from limbeck.structures.building.molecules.hydrogens import completed
from limbeck.structures.chemistry import chemistry
from limbeck.structures.reading import Frame, read_files
from limbeck.structures.reading.cif import partly_occupied
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import Structure, check_sound, collect, electrons_of, vacuum_of
from limbeck.structures.sources.files import is_lone_atom, name_of

#: a note on structures that are kept
HYDROGENS = "heavy atoms alone in its file, completed by hydrogens that RDKit placed"


def generate(source: Generated, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is frame n of all files, of which at most ``count`` are looked at.

    What cannot be read, has other elements or sizes than the source allows, or is a copy of an
    earlier one, is set aside with its reason. Its group is its chemistry, whatever the file says,
    and ``generative_model`` in its info tells who wrote it.
    """
    frames = frames_of(source)
    first = _first_of_each(frames, source)

    def make(n: int) -> Structure:
        atoms, charge, spin, notes = read(frames[n], source)
        key = _id(atoms, charge, spin)
        if first(key, n) != n:
            raise Refused(reasons.REPEATED, f"frame {first(key, n)}")
        info = {"number": n, "file": frames[n].file, "frame_in_file": frames[n].number}
        info |= {"name": name_of(frames[n], atoms), "generative_model": source.called}
        made, vacuum = vacuum_of(atoms)
        return Structure(made, chemistry(atoms), info | vacuum, charge, spin, notes)

    return collect(job, make, most=len(frames), name_of=lambda n: frames[n].where)


def frames_of(source: Generated) -> list[Frame]:
    """Frames of all files, at most ``count``, each still to be parsed.

    A model that was stopped leaves any file behind: the only one is set aside like one of many.

    Raises:
        LimbeckError: there is no file.
    """
    if source.path is None:  # its generator has not run yet
        return []
    files = files_of(source.path)
    if files and all(_is_left_out(file) for file in files):
        return []
    try:
        return read_files(source.path, most=source.count)
    except LimbeckError as error:
        if not files:
            raise
        return [Frame(source.path, 0, True, _refusal(str(error)))]


def _is_left_out(file: Path) -> bool:
    """Whether a generator that is not there left it, with nothing in it."""
    return file.stat().st_size == 0 and (file.parent / "made.json").is_file()


def _refusal(text: str) -> Callable[[], Atoms]:
    def parse() -> Atoms:
        raise Refused(reasons.UNREADABLE_FILE, text)

    return parse


def read(frame: Frame, source: Generated) -> tuple[Atoms, int, int, tuple[str, ...]]:
    """A structure that the source allows; charge, unpaired electrons, notes.

    Raises:
        Refused: it is none.
    """
    atoms = frame()
    molfile = atoms.info.pop("molfile", None)
    heavy = molfile is not None and not (atoms.numbers == 1).any()
    whole = completed(molfile) if heavy else None
    atoms = atoms if whole is None else whole
    _check(atoms, source)
    charge, spin, notes = electrons_of(atoms)
    return atoms, charge, spin, notes if whole is None else (HYDROGENS, *notes)


def _check(atoms: Atoms, source: Generated) -> None:
    if len(atoms) == 0:
        raise Refused(reasons.EMPTY, 0, 1)
    check_sound(atoms)  # before anything looks for bonds or symmetry
    if partly_occupied(atoms.info.get("occupancy")):
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)
    _check_formula(atoms)
    allowed = source.elements
    if allowed and (others := sorted(set(atoms.get_chemical_symbols()) - set(allowed))):
        raise Refused(reasons.NOT_ALLOWED, ", ".join(others), ", ".join(allowed))
    least, most = source.n_atoms
    if not least <= len(atoms) <= most:
        raise Refused(reasons.OTHER_SIZE, len(atoms), f"{least} to {most}")
    if is_lone_atom(atoms):
        raise Refused(reasons.SINGLE_ATOM, atoms.get_chemical_symbols()[0])


def _check_formula(atoms: Atoms) -> None:
    """Refuse a CIF that ends before its last atom, which no reader would miss.

    What is in a cell is its formula, or some times that.
    """
    told: Any = atoms.info.get("formula_sum")
    if told is None:
        return
    with suppress(ValueError):  # not a formula that ASE reads, and so no evidence
        formula, found = Formula("".join(str(told).split())), atoms.symbols.formula
        if found != formula * (len(found) // len(formula)):
            raise Refused(reasons.CUT_OFF, f"{found:hill}", f"{formula:hill}")


def _id(atoms: Atoms, charge: int, spin: int) -> bytes:
    frames = from_atoms([atoms], groups=[""], source="", charges=[charge], spins=[spin])
    return bytes(frames.id[0])


def _first_of_each(frames: Sequence[Frame], source: Generated) -> Callable[[bytes, int], int]:
    """Gives the smallest number of a frame with this id.

    With one shard frames come in their order; of several, each has to look at all of them, so that
    a copy is one whatever the shards.
    """
    seen: dict[bytes, int] = {}
    if source.shards > 1:
        for n, frame in enumerate(frames):
            with suppress(Refused):
                atoms, charge, spin, _ = read(frame, source)
                seen.setdefault(_id(atoms, charge, spin), n)
    return seen.setdefault


def elements(source: Generated) -> frozenset[str]:
    """Symbols of the elements of all frames that the source allows; none where it allows none.

    Of a generator, which has not run yet, those that it may make; none where it may make any.

    Raises:
        LimbeckError: there is no file.
    """
    if source.path is None:
        return frozenset(source.elements or ())
    return frozenset().union(*(symbols for _, symbols in groups(source)))


def groups(source: Generated) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each frame that the source allows, copies included."""
    for frame in frames_of(source):
        with suppress(Refused):
            atoms, *_ = read(frame, source)
            yield chemistry(atoms), frozenset(atoms.get_chemical_symbols())
