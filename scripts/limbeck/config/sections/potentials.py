"""Potentials: models that give energy, forces and stress."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection
from limbeck.config.sections.known import (
    DESCRIBED,
    KINDS,
    MACE_FOUNDATION,
    MATGL_OWNER,
    ORB_FOUNDATION,
)

if TYPE_CHECKING:
    MaceFoundation: TypeAlias = str
    OrbFoundationName: TypeAlias = str
else:
    MaceFoundation = Literal[tuple(MACE_FOUNDATION)]
    OrbFoundationName = Literal[tuple(ORB_FOUNDATION)]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$(?!\\n)"), t.ToldAs("64 hexadecimal digits")]


class AnyPotential(NamedSection):
    """What all kinds of models have."""

    model: str
    """Kind of model; `make list` says a line about each. mace and matgl are read from path or
    downloaded by name, orb, nep and painn are a student's folder, the other names with orb in them
    and the separate dispersion models are those of orb-models, downloaded or read from path; chgnet
    carries its weights in its package, xtb and pyscf need none, lj and emt are for tests."""
    batch_atoms: t.Count | None = None
    """Largest number of atoms evaluated at once, where not given, one that was measured to be fast;
    larger is not always faster, and the last bits of a result depend on it."""
    trained_on: t.Some[t.UserPath] | None = None
    """Paths of what says which frames it was trained on; text files with the id of a frame in each
    line, or of the first structure (root) of frames, or data sets of Limbeck, as train.h5. It does
    not label these frames, nor others made from such a structure; they are counted."""

    @property
    def most_atoms(self) -> int:
        """``batch_atoms``, where not given, what does for this kind of model."""
        return self.batch_atoms or KINDS[self.model].batch_atoms

    @property
    def known_elements(self) -> frozenset[str] | None:
        """Symbols that it knows, None where the config does not tell."""
        return KINDS[self.model].elements


class Trained(AnyPotential):
    """A model whose elements stand in its file."""

    elements: t.Some[t.Element] | None = None
    """Symbols of the elements the model was trained on, so that a source it cannot serve is refused
    at once; where not given, only the job check_inputs looks, into the file."""

    @property
    def known_elements(self) -> frozenset[str] | None:
        """Those that the config declares, None where it does not."""
        return frozenset(self.elements) if self.elements else None


class Weights(AnyPotential):
    """Weights at a path, or downloaded by the model's library."""

    path: t.UserPath | None = None
    """Path of the weights you have; a file or a folder, as the kind of model has it."""
    sha256: Sha256 | None = None
    """SHA-256 of the weights, needed with a path; weights that differ are refused."""
    cache: t.UserPath | None = None
    """Folder for downloads, where not given, the one that the model's library has."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the calculation."""

    @property
    def download(self) -> str | None:
        """What its library calls the weights."""
        return self.model


class Mace(Trained, Weights):
    """MACE."""

    model: Literal["mace"]
    pretrained: MaceFoundation | None = None
    """Name of a foundation model that mace-torch downloads, in place of path; off- is its mace_off,
    all others are of its mace_mp."""
    trust: bool = False
    """Open a .model file without its sha256; it is a pickle, which can run any code."""
    head: t.Plain | None = None
    """Which output is asked for, of a model that was trained on several levels of theory."""
    accelerator: Literal["cuequivariance"] | None = None
    """Kernels to calculate with in place of mace-torch's own; cuequivariance has to be installed
    beside Limbeck (pip install cuequivariance-torch). Compare the gaps with and without, above all
    conservativity."""

    @property
    def download(self) -> str | None:
        """What its library calls the weights, None where they are at the path."""
        return self.pretrained


class Matgl(Trained, Weights):
    """The potentials of matgl."""

    model: Literal["matgl"]
    pretrained: t.Plain | None = None
    """Name of a model that matgl downloads, as TensorNet-MatPES-PBE-v2025.1-PES, or a repository on
    Hugging Face, as owner/name, in place of path; one of another owner than matgl itself needs
    sha256."""

    def faults(self) -> Iterator[Fault]:
        """A repository of anyone, which may hold something else tomorrow, without its hash."""
        yield from super().faults()
        owner, slash, _ = (self.pretrained or "").rpartition("/")
        if slash and owner != MATGL_OWNER and not self.sha256 and not self.path:
            yield "sha256", f"not given, expected that of {self.pretrained}, which anyone may own"

    @property
    def download(self) -> str | None:
        """What its library calls the weights, None where they are at the path."""
        return self.pretrained


class OrbFoundation(Weights):
    """The models of orb-models."""

    model: OrbFoundationName


class StudentFolder(Trained):
    """A student, in the folder that it was saved in."""

    model: Literal["orb", "nep", "painn"]
    path: t.UserPath
    """Path of the folder model/ of a student; orb is one of architecture direct or
    direct_conservative."""
    sha256: Sha256 | None = None
    """SHA-256 of the folder, as Limbeck counts it, needed; one that differs is refused."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the calculation."""


class Xtb(AnyPotential):
    """Extended tight binding of tblite."""

    model: Literal["xtb"]
    method: Literal["GFN2-xTB", "GFN1-xTB"] = "GFN2-xTB"
    """Parameters of extended tight binding; crystals are treated at the Gamma point alone."""


class Pyscf(AnyPotential):
    """Hartree-Fock and density functional theory of pyscf."""

    model: Literal["pyscf"]
    method: Literal["HF", "PBE", "PBE0"] = "PBE0"
    """HF is Hartree-Fock; all are restricted where no electron is unpaired, else unrestricted."""
    basis: Literal["def2-svp", "def2-svpd", "def2-tzvp", "def2-tzvpd"] = "def2-svp"
    """Basis of Gaussian functions, with all electrons of elements up to krypton."""
    density_fitting_from_atoms: t.Count = 6
    """Molecules of so many atoms and more have their Coulomb integrals fitted, which is faster and
    changes a dipole by 0.001 D at most."""
    max_cycles: t.Count = 100
    """Cycles of the self-consistent field, and after them of Newton's method; a molecule that has
    not converged then has no label."""


class Chgnet(AnyPotential):
    """CHGNet."""

    model: Literal["chgnet"]
    version: Literal["0.3.0", "0.2.0", "r2scan"] = "0.3.0"
    """Which of the weights in CHGNet's package."""


class Toy(AnyPotential):
    """Models for tests."""

    model: Literal["lj", "emt"]
    lab_frame_error: t.NotNegative = 0.0
    """Root mean square of an error that is added to the forces, in units of that of each frame's
    forces, no unit; it depends on how the frame is turned, and its mean over all rotations is
    zero."""


Potential = Annotated[
    Mace | StudentFolder | OrbFoundation | Matgl | Xtb | Pyscf | Chgnet | Toy,
    Field(discriminator="model"),
]


def keep_faults(keep: Sequence[str], potential: AnyPotential | None) -> Iterator[Fault]:
    """What is to be kept and no potential says, or not this kind: a field, and what is said."""
    if keep and potential is None:
        asked = f"keep asks it for {', '.join(keep)}"
        yield "potential", f"nothing, expected the name of a potential: {asked}"
    elif potential and "descriptors" in keep and potential.model not in DESCRIBED:
        yield (
            "keep",
            f"descriptors of {potential.name!r}, a {potential.model}, which has none; expected a "
            f"potential of model {' or '.join(sorted(DESCRIBED))}",
        )
