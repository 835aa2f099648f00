"""Check what the Snakefile cannot: SMILES, hashes, elements of models that are files."""

from pathlib import Path

from limbeck import cli
from limbeck.config.check_inputs import check_inputs
from limbeck.config.config import Config
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.config.sections.known import KINDS, SYMBOLS
from limbeck.config.sections.potentials import AnyPotential, OrbFoundation
from limbeck.datasets.enough import require_enough
from limbeck.files import write_json
from limbeck.structures import elements_of, groups_of


def elements_of_weights(potential: AnyPotential) -> frozenset[str] | None:
    """Symbols that a potential's weights know, None where they do not tell.

    Weights that tell are opened; those that are downloaded are found, and their hash is checked.
    What says which frames it was trained on has to be readable.
    """
    if potential.trained_on:
        from limbeck.labelling.trained_on import trained_ids

        trained_ids(potential.trained_on)
    if KINDS[potential.model].from_file:
        from limbeck.potentials import open_potential

        return frozenset(SYMBOLS[z - 1] for z in open_potential(potential).about.elements)
    if isinstance(potential, OrbFoundation):
        from limbeck.potentials.models.orb_foundation import weights_file

        weights_file(potential)
    return None


def main() -> None:
    """Check the files of the config, write the elements that were found."""
    parser = cli.parser(__doc__, Config)
    parser.add_argument("--output", type=Path, required=True, help="check_inputs.json to write")
    parser.add_argument("--split", default="", help="the dataset section, where students learn")
    args = parser.parse_args()
    found = check_inputs(args.settings, elements_of, elements_of_weights)
    if args.split:
        require_enough(args.settings, DatasetSettings.model_validate_json(args.split), groups_of)
    write_json(args.output, found)


if __name__ == "__main__":
    cli.run(main)
