"""Weights of generative models: where they come from, where they are kept, and what they are.

Sizes and hashes of MatterGen's are those of its repository (commit ac9ddd4), whose large files are
named by their SHA-256.
"""

from typing import NamedTuple

#: below the folder in which Snakemake is called
FOLDER = "weights"
#: of MatterGen: weights -> what they were trained to be asked for, and SHA-256 and bytes of
#: checkpoints/last.ckpt, and SHA-256 of config.yaml
MATTERGEN: dict[str, tuple[tuple[str, ...], str, int, str]] = {
    "mattergen_base": (
        (),
        "81668ee12afc1ee1b037f362420730de3460bfd2d36e547585fdcb911a3dfdef",
        461370350,
        "01648f40a8227b01b1dbc1090bf0f8229bb3241845ae9ac57af96b31e595bda7",
    ),
    "mp_20_base": (
        (),
        "ffb80e4425a6f99f479a67b8cd111885d45117234e8947ff77eb3a55df420b9a",
        461369442,
        "cf2798a87227fb332f5ff4cb7030149ea0099ffbd61bfe7b6da19a1290667d43",
    ),
    "chemical_system": (
        ("chemical_system",),
        "4ad21d977c2b776a31c92498c4d1c88d3e1e286deeb941e997af8e082310b80e",
        512404276,
        "0640de891dc75e34c92c4da022344767918fe4a2300908b1013fe6161f3c2c81",
    ),
    "space_group": (
        ("space_group",),
        "1b6ab06739f4319d75f4a19960840ec3c8d3d32ee842c996876ef9d8b188e4bb",
        513189244,
        "75ebcb5bcf3fc2f1c78aeb9a99c88bd99ebd61fcdaa5fe9463344a7c29df62ac",
    ),
    "dft_mag_density": (
        ("dft_mag_density",),
        "01dd3e86805165412e0810e2a77a4756f8e1020f3ff2707c74af0a3f88a1bb8e",
        511777278,
        "6129b1a2329c8031ae162687ab02c3652faf8ef3e59ae9b74163b9f829233155",
    ),
    "dft_band_gap": (
        ("dft_band_gap",),
        "864ebbfd360e0a8287287d290a552da6b6bd92d67418a6a40be419ed3acd5e7e",
        511777150,
        "0e14dfe5ce3906fb5c6d80f9ef000278a9c679f639f7712e7690f7c4a9431e6e",
    ),
    "ml_bulk_modulus": (
        ("ml_bulk_modulus",),
        "67f7f5e28695776ed285a293b30160f8b546063cbac4a763a36f6ca3f6242db6",
        511777406,
        "4313ef58d14b14941434a33e6003e77a3b168e53cececa268384555edeef8e2a",
    ),
    "dft_mag_density_hhi_score": (
        ("dft_mag_density", "hhi_score"),
        "98a4f2f9263b013d7d94a04c08e6928f90933d5f02c75f9b58c12609dddef016",
        562187480,
        "2d0bf4632917d19449a170125e0fe2d8d00dc709137b63612d53e3aa7fa901f3",
    ),
    "chemical_system_energy_above_hull": (
        ("chemical_system", "energy_above_hull"),
        "50d4a51b109b178db98de82849d0ad14397b663526b2387caee3a643f27e326a",
        562814862,
        "41dd8cdbeed13c13b2dcfa9d6657b79be3bf9c738bad75c57a6b40f9c948e73d",
    ),
}
#: largest config.yaml of MatterGen, bytes
CONFIG_BYTES = 100_000


class About(NamedTuple):
    """What is known of a generative model.

    Attributes:
        title: what it is called.
        licence: of the program and its weights, as their pages say.
        citation: of it.
        page: where its weights are.
        by_hand: how to get them; empty where `snakemake fetch_weights` does.
        molecules: whether it makes molecules, and crystals if not.
    """

    title: str
    licence: str
    citation: str
    page: str
    by_hand: str = ""
    molecules: bool = False


ABOUT = {
    "mattergen": About(
        "MatterGen",
        "MIT",
        "Zeni et al., Nature 639, 624 (2025)",
        "https://huggingface.co/microsoft/mattergen",
    ),
    "crystalflow": About(
        "CrystalFlow",
        "MIT",
        "Luo et al., arXiv 2412.11693 (2024)",
        "https://github.com/ixsluo/CrystalFlow/releases",
        "unpack the model of your task of release v1.0.0-alpha.1 (hparams.yaml, a .ckpt and three "
        "scalers, in one folder)",
    ),
    "moldiff": About(
        "MolDiff",
        "MIT",
        "Peng et al., ICML 2023, PMLR 202, 27611",
        "https://drive.google.com/drive/folders/1zTrjVehEGTP7sN3DB5jaaUuMJ6Ah0-ps",
        "download MolDiff.pt, and the bond predictor if it is to guide",
        molecules=True,
    ),
    "geodiff": About(
        "GeoDiff",
        "MIT",
        "Xu et al., ICLR 2022, arXiv 2203.02923",
        "https://drive.google.com/drive/folders/1b0kNBtck9VNrLRZxg6mckyVUpJA5rBHh",
        "download drugs_default or qm9_default: checkpoints/*.pt, and the .yml one folder up; they "
        "go with the branch pretrain of its repository (field repository)",
        molecules=True,
    ),
}


class Download(NamedTuple):
    """One file of weights; ``bytes`` is its size, or the largest that it may have."""

    url: str
    path: str
    sha256: str
    bytes: int


def downloads(weights: str) -> list[Download]:
    """Files of weights of MatterGen."""
    _, sha256, size, of_config = MATTERGEN[weights]
    page = f"{ABOUT['mattergen'].page}/resolve/main/checkpoints/{weights}"
    folder = folder_of(weights)
    return [
        Download(f"{page}/config.yaml", f"{folder}/config.yaml", of_config, CONFIG_BYTES),
        Download(f"{page}/checkpoints/last.ckpt", f"{folder}/checkpoints/last.ckpt", sha256, size),
    ]


def folder_of(weights: str) -> str:
    """Where weights of MatterGen are kept that were fetched."""
    return f"{FOLDER}/mattergen/{weights}"
