"""Force constants on disk: phonopy's own files, one folder for each crystal."""

from pathlib import Path

import phonopy
from phonopy import Phonopy
from phonopy.file_IO import write_force_constants_to_hdf5

from limbeck.errors import LimbeckError, explained

PARAMETERS = "phonopy_params.yaml"
FORCE_CONSTANTS = "force_constants.hdf5"


def save_phonons(phonon: Phonopy, folder: Path) -> None:
    """Write ``phonopy_params.yaml`` and ``force_constants.hdf5`` into an existing folder.

    The force constants stand in both: ``phonopy.load("phonopy_params.yaml")`` alone gives those
    that were used here, and does not fit them anew.
    """
    assert phonon.force_constants is not None
    phonon.save(folder / PARAMETERS, settings={"force_constants": True})
    write_force_constants_to_hdf5(
        phonon.force_constants,
        filename=str(folder / FORCE_CONSTANTS),
        p2s_map=phonon.primitive.p2s_map,
        physical_unit="eV/angstrom^2",
        compression="lzf",
    )


def load_phonons(folder: Path) -> Phonopy:
    """The crystal that :func:`save_phonons` wrote, with its force constants.

    Raises:
        LimbeckError: the files are missing or damaged.
    """
    with explained(f"{folder}: no force constants of phonopy"):
        # phonopy lets YAML call any function of Python, by a tag; all tags have this sign in them,
        # and nothing that phonopy writes.
        if b"!" in (folder / PARAMETERS).read_bytes():
            raise LimbeckError(f"{PARAMETERS} has a tag in it, expected data alone")
        return phonopy.load(
            folder / PARAMETERS,
            force_constants_filename=folder / FORCE_CONSTANTS,
            # These two keep phonopy from looking for a BORN file, and from fitting force constants
            # anew.
            is_nac=False,
            produce_fc=False,
        )
