"""What a config and a seed make can be made again from them: by another process, another day."""

import json
import os
import subprocess
import sys
from pathlib import Path

from limbeck.config.jobs import GenerateStructures
from limbeck.config.load import load
from limbeck.structures import SOURCES, generate

CONFIG = """
run: again
seed: 3
sources:
  molecules: {kind: molecules, count: 6, shards: 2, assemble: templates, n_heavy: [2, 5],
    elements: [H, C, N, O], stereo: enumerate, ions: true, radicals: true}
  crystals: {kind: crystals, count: 4, shards: 2, prototypes: [spinel, rutile], decorate: true,
    elements: [Mg, Al, O], strain: 0.02}
  random: {kind: random_crystals, count: 4, shards: 2, elements: [Mg, Al, O], n_atoms: [2, 6]}
  packed: {kind: random_crystals, count: 2, shards: 2, molecules: [O], space_groups: [2, 4],
    molecules_per_cell: [2, 2]}
  derivatives: {kind: derivatives, count: 4, shards: 2, prototypes: [rocksalt], n_atoms: [16, 32],
    vacancies: [1, 2], substitutions: [0, 2], substitute: [[Na, K], [Cl, Br]]}
  clusters: {kind: clusters, count: 6, shards: 2, elements: [Cu, Ag], sizes: [13, 38],
    shapes: [icosahedron, wulff, random], alloys: [core_shell, random, janus]}
  surfaces: {kind: surfaces, count: 4, shards: 2, compounds: [Cu], layers: 3, supercell: [2, 2],
    adsorbates: [O], coverages: [0.25], strain: 0.01}
  boxes: {kind: disordered, count: 2, shards: 2, molecules: [O, CO], sizes: [6, 8],
    density_g_cm3: [0.8, 0.9]}
  melts: {kind: disordered, count: 2, shards: 2, elements: [Cu, Zr], proportions: [64.0, 36.0],
    sizes: [12, 12], density_g_cm3: [6.9, 7.2]}
select: {include: [generated], count: 10}
labels: {chgnet: {potential: chgnet}}
potentials: {chgnet: {model: chgnet}}
"""


def remade(path: str) -> dict[str, list[str]]:
    """Ids of the second of two shards of each source of a config, of what was made and what not."""
    config = load(path)
    found = {}
    for name in config.sources:
        frames, rejected = generate(GenerateStructures.of(config, name, "1"))
        found[name] = [name.decode() for name in frames.id] + [r.frame for r in rejected]
    return found


def test_a_shard_is_remade_from_the_config_by_another_process(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    here = remade(str(config))
    assert {load(config).sources[name].kind for name in here} == {*SOURCES} - {"file", "generated"}
    code = f"import json, test_remade; print(json.dumps(test_remade.remade({str(config)!r})))"
    where = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    # sets have another order there
    other = {**os.environ, "PYTHONPATH": where, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=other, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == here
    assert all(ids and not ids[0].startswith(f"{name}/") for name, ids in here.items())
