"""A network as ``nep.txt``, which GPUMD, LAMMPS and calorine read without torch.

The format is that of gpumd.org (nep.in and nep.txt), version 4. What it has no place for is folded
into what it has: means and scales of descriptors into weights and biases of the hidden layer, and
the energy of an atom of each element into one more neuron that does not look at its input.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from ase.data import chemical_symbols

from limbeck.errors import LimbeckError
from limbeck.potentials.models.nep.network import NepNetwork
from limbeck.potentials.repulsion.zbl import EXPONENTS, FACTORS, radii_of

#: 1/Angstrom^3: more atoms than diamond (0.176) or anything at ambient pressure has. The file says
#: how many neighbours an atom may have; programs take memory for as many.
DENSEST = 0.2
#: GPUMD refuses a file that says more; it makes room for a quarter more than the file says
MOST_NEIGHBOURS = 819
#: the tanh of it is 1 in double precision
SATURATED = 20.0


def nep_txt(network: NepNetwork, elements: Sequence[int], *, zbl: bool = False) -> str:
    """The text of the file.

    Energies are whole: with them the offsets of the elements.

    Args:
        elements: atomic numbers, in the order of the network's species.
        zbl: with the repulsion of near nuclei, each pair of elements with its own radii.

    Raises:
        LimbeckError: the cut-off is so large that GPUMD would refuse the file.
    """
    neurons, terms = network.bias.shape[1] + 1, network.functions
    reach = [f"{cutoff:.9g}" for cutoff in network.cutoffs]
    most = [most_neighbours(cutoff) for cutoff in network.cutoffs]
    if max(most) > MOST_NEIGHBOURS:
        raise LimbeckError(
            f"a NEP with a cut-off of {max(network.cutoffs):g} A: {max(most)} neighbours in dense "
            f"matter, expected {MOST_NEIGHBOURS} at most, as GPUMD takes"
        )
    head = [
        f"nep4{'_zbl' * zbl} {len(elements)} {' '.join(chemical_symbols[z] for z in elements)}",
        *["zbl 0 0"] * zbl,  # zeros: radii and screening stand at the end of the file
        f"cutoff {' '.join(reach)} {' '.join(map(str, most))}",
        f"n_max {terms[0] - 1} {terms[1] - 1}",
        f"basis_size {network.basis[0] - 1} {network.basis[1] - 1}",
        "l_max 4 2 0",
        f"ANN {neurons} 0",
    ]
    parts = [*_numbers(network), *([_repulsion(elements)] if zbl else [])]
    numbers = np.concatenate([values.ravel() for values in parts])
    return "\n".join([*head, *(f"{value:.9e}" for value in numbers.tolist())]) + "\n"


def most_neighbours(cutoff: float) -> int:
    """How many neighbours an atom has within ``cutoff``, Angstrom, in the densest matter."""
    return math.ceil(4 / 3 * math.pi * DENSEST * cutoff**3)


@torch.no_grad()
def _numbers(network: NepNetwork) -> Iterator[np.ndarray]:
    """All numbers in the order of the file."""
    weights = network.inner * network.scales.unsqueeze(1)
    biases = network.bias + torch.einsum("thd,td->th", weights, network.means)
    for kind in range(len(network.offsets)):
        silent = torch.zeros(1, network.n_descriptors)
        yield torch.cat([weights[kind].cpu().double(), silent.double()]).numpy()
        yield np.append(_array(biases[kind]), -SATURATED)
        yield np.append(_array(network.unit * network.outer[kind]), _array(network.offsets[kind]))
    yield np.zeros(1)  # the bias that all elements share
    for coefficients in (network.radial, network.angular):
        # function and basis function first, then the atom and its neighbour
        yield _array(coefficients.permute(2, 3, 0, 1))
    yield np.ones(network.n_descriptors)  # scales are in the weights


def _repulsion(elements: Sequence[int]) -> np.ndarray:
    """Of each pair of elements inner and outer radius, then factors and exponents in turn."""
    first, second = np.array([*combinations_with_replacement(elements, 2)]).T
    screening = np.stack([FACTORS, EXPONENTS], axis=1).ravel()
    radii = np.stack(radii_of(first, second), axis=1)
    return np.concatenate([radii, np.tile(screening, (len(radii), 1))], axis=1)


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()
