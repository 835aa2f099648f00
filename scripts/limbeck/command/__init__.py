"""The command ``limbeck``: small tools beside the pipeline, for the shell.

What each of them needs is imported when it is asked for: most of it is heavy.
"""

import argparse
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from limbeck import __version__, cli
from limbeck.config.sections.warrant import Gap

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

#: what is listed, as people and the config call it
TOPICS = ("potentials", "gaps", "sources", "samplers", "students", "studies", "symmetries")


def main(words: Sequence[str] | None = None) -> None:
    """Read a command line and do what it says; ``words`` are those of the shell if not given."""
    asked = parser().parse_args(words)
    cli.run(partial(asked.run, asked))


def parser() -> argparse.ArgumentParser:
    """Of the whole command."""
    result = argparse.ArgumentParser(
        prog="limbeck",
        description="Tools beside the pipeline, which `make run CONFIG=...` starts.",
        epilog="`limbeck COMMAND --help` tells more of each.",
    )
    result.add_argument("--version", action="version", version=f"limbeck {__version__}")
    commands = result.add_subparsers(metavar="COMMAND", required=True)
    for add in _COMMANDS:
        add(commands)
    return result


def _add_list(commands: "Commands") -> None:
    about = (
        "List what a config can name: potentials, symmetries, sources, samplers, students, studies."
    )
    command = commands.add_parser("list", help=about, description=about)
    command.add_argument(
        "topics",
        nargs="*",
        metavar="TOPIC",
        help=f"one or more of {', '.join(TOPICS)}; all if none",
    )
    command.set_defaults(run=_list)


def _add_studies(commands: "Commands") -> None:
    about = "List the studies: what each asks, its symmetry, what is independent, what it needs."
    more = "With a run's results, draw what its studies found into one picture."
    command = commands.add_parser("studies", help=about, description=f"{about} {more}")
    command.add_argument(
        "results", nargs="?", type=Path, help="results/{run} of a run with studies"
    )
    command.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="where all of them are drawn: .png, or .gif with a growing number of views "
        "(studies.png)",
    )
    command.set_defaults(run=_studies)


def _add_gaps(commands: "Commands") -> None:
    about = "Measure the symmetry errors (warrant gaps) of a model on structures of a file."
    command = commands.add_parser(
        "gaps",
        help=about,
        description=f"{about} Prints a table with 95 % intervals over groups of structures, and "
        "what was left out and why.",
    )
    _add_model_and_file(command)
    command.add_argument(
        "--symmetries",
        nargs="+",
        choices=get_args(Gap),
        default=list(get_args(Gap)),
        metavar="GAP",
        help=f"only some of {', '.join(get_args(Gap))}",
    )
    command.add_argument(
        "--views", type=_at_least(2), default=8, help="random views of each structure (8)"
    )
    command.set_defaults(run=_gaps)


def _add_model_and_file(command: argparse.ArgumentParser) -> None:
    """What is asked of any model, and of a file of structures."""
    command.add_argument(
        "model",
        metavar="MODEL",
        help="a student's folder; a file or folder of weights, with --kind; or a name that "
        "`limbeck list potentials` knows, or a foundation model of MACE by its name",
    )
    command.add_argument(
        "file", metavar="FILE", help="structures: extended XYZ, CIF, POSCAR, another format of "
        "ASE, or JSON of pymatgen, plain or packed; a file, a folder or a glob",
    )  # fmt: skip
    command.add_argument("--kind", help="kind of model that a file is, as mace or matgl")
    command.add_argument("--sha256", help="hash that the file of weights must have")
    command.add_argument(
        "--trust", action="store_true", help="open a .model file of MACE, a pickle, without a hash"
    )
    command.add_argument(
        "--accelerator", choices=("cuequivariance",), help="of MACE: kernels to calculate with"
    )
    command.add_argument(
        "--most", type=_at_least(1), default=100, help="structures of the file to take (100)"
    )
    command.add_argument("--format", help="of the file, as ASE calls it; told by its name if not")
    command.add_argument(
        "--length-unit", choices=("Angstrom", "nm", "Bohr"), help="of the file (Angstrom)"
    )
    command.add_argument("--device", default="cpu", help="cpu, cuda, or a GPU such as cuda:1 (cpu)")
    command.add_argument(
        "--dtype", choices=("float32", "float64"), help="precision of the calculation (float32)"
    )


def _add_demonstrate(commands: "Commands") -> None:
    about = "Show what a turn and a shift do to the answer of a model for one structure."
    command = commands.add_parser(
        "demonstrate",
        help=about,
        description=f"{about} Prints what changed once the answer is turned back, and draws the "
        "forces before and after, and a turn through 360 degrees.",
    )
    _add_model_and_file(command)
    command.add_argument(
        "--frame", type=_at_least(0), default=0, help="which structure of the file, from 0 (0)"
    )
    command.add_argument("--axis", default="z", help="x, y, z, or three numbers, as 1,1,0 (z)")
    command.add_argument(
        "--angle-deg", type=float, default=45.0, metavar="DEGREES", help="how far to turn (45)"
    )
    command.add_argument(
        "--shift-A",
        type=float,
        nargs=3,
        default=[1.0, 2.0, 3.0],
        metavar=("X", "Y", "Z"),
        help="how far to shift, in Angstrom (1 2 3)",
    )
    command.add_argument(
        "--step-deg", type=_degrees, default=5.0, metavar="DEGREES", help="between two turns (5)"
    )
    command.add_argument(
        "--output", default="demonstration.png", help="picture: .png, .pdf or .svg"
    )
    command.set_defaults(run=_demonstrate)


def _add_export(commands: "Commands") -> None:
    about = "Write a student for another program, with an input that runs as it is."
    command = commands.add_parser("export", help=about, description=about)
    command.add_argument("folder", metavar="DIR", help="a student's folder, .../seed{n}")
    command.add_argument(
        "--format",
        required=True,
        choices=("metatomic", "lammps", "gpumd", "ipi"),
        help="metatomic: a model for LAMMPS, GROMACS, i-PI, PLUMED, ASE and torch-sim",
    )
    command.add_argument("--output", metavar="DIR", help="where to (DIR-FORMAT)")
    command.set_defaults(run=_export)


def _add_diversity(commands: "Commands") -> None:
    about = "Calculate how diverse the structures of a config will be, against what its gate asks."
    command = commands.add_parser(
        "diversity",
        help=about,
        description=f"{about} Elements, their entropy and which of them are missing, balance of "
        "sources, sizes; what is no more than a guess is said.",
    )
    command.add_argument("config", metavar="CONFIG", help="config file (.yaml)")
    command.set_defaults(run=_diversity)


def _add_floor(commands: "Commands") -> None:
    about = "Print the floor of models of charges on a data set: the best fits of its potentials."
    command = commands.add_parser("floor", help=about, description=about)
    command.add_argument("file", metavar="DATASET.h5", help="as train.h5, of a label set with esp")
    command.set_defaults(run=_floor)


def _add_npz(commands: "Commands") -> None:
    about = "Write a data set of molecules as .npz files, as PhysNet and DCMNet read them."
    command = commands.add_parser("npz", help=about, description=about)
    command.add_argument("file", metavar="DATASET.h5", help="as train.h5")
    command.add_argument("--folder", default=".", help="where to write them (the current folder)")
    command.set_defaults(run=_npz)


def _add_check(commands: "Commands") -> None:
    about = "Check what was taken home against its SHA256SUMS."
    command = commands.add_parser("check", help=about, description=about)
    command.add_argument("folder", metavar="DIR", help="a student, a data set, or all of a run")
    command.set_defaults(run=_check)


def _add_hash(commands: "Commands") -> None:
    about = "Print what to write as sha256 of a file or folder of weights into a config."
    command = commands.add_parser("hash", help=about, description=about)
    command.add_argument("path", metavar="PATH", type=Path, help="a file or a folder")
    command.add_argument(
        "--follow-links", action="store_true", help="of a folder of links, as downloads have it"
    )
    command.set_defaults(run=_hash)


_COMMANDS = (
    _add_list,
    _add_studies,
    _add_diversity,
    _add_gaps,
    _add_demonstrate,
    _add_export,
    _add_floor,
    _add_npz,
    _add_check,
    _add_hash,
)


def _at_least(least: int) -> "partial[int]":
    return partial(_number, least)


def _number(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number from {least} on")
    return int(text)


def _degrees(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 180:
        raise argparse.ArgumentTypeError(f"{text}, expected 0.1 to 180 degrees")
    return value


def _list(asked: argparse.Namespace) -> None:
    from limbeck.command.catalogue import print_catalogue

    print_catalogue(asked.topics)


def _studies(asked: argparse.Namespace) -> None:
    from limbeck.command.studies import draw_studies, print_studies

    if asked.results:
        draw_studies(asked.results, asked.picture or Path("studies.png"))
    else:
        print_studies()


def _diversity(asked: argparse.Namespace) -> None:
    from limbeck.config.load import load_with_sources
    from limbeck.cost.diversity import report

    config = load_with_sources(asked.config, planned=True)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # what runs would log of each structure that cannot be made
    try:
        print(report(config))
    finally:
        logging.disable(before)


def _gaps(asked: argparse.Namespace) -> None:
    from limbeck.command.gaps import print_gaps

    print_gaps(asked)


def _demonstrate(asked: argparse.Namespace) -> None:
    from limbeck.command.demonstrate import demonstrate

    demonstrate(asked)


def _export(asked: argparse.Namespace) -> None:
    from limbeck.students.export import export

    print(export(asked.folder, asked.format, asked.output))


def _floor(asked: argparse.Namespace) -> None:
    from limbeck.command.charges import floor

    print(floor(asked.file))


def _npz(asked: argparse.Namespace) -> None:
    from limbeck.command.charges import npz

    print(npz(asked.file, asked.folder))


def _check(asked: argparse.Namespace) -> None:
    from limbeck.check.__main__ import check

    check(Path(asked.folder))


def _hash(asked: argparse.Namespace) -> None:
    from limbeck.files import sha256_of

    print(f'sha256: "{sha256_of(asked.path, follow_links=asked.follow_links)}"')
