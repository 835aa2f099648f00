"""Settings and inputs of clusters, many-body terms and differences."""

from limbeck.config.plan import frames_of, subsystem_files


def subsystem_settings(wildcards):
    """A subsystem's section without where it is cut from, and which shard it works on."""
    section = dict(config["subsystems"][wildcards.subsystem])
    del section["of"]
    if section["keep"]:
        section |= {"potential": potential(section["potential"]), **COMPUTE}
    return settings(
        seed=config["seed"],
        subsystem=wildcards.subsystem,
        sampling=wildcards.sampling,
        source=wildcards.source,
        shard=int(wildcards.shard),
        **section,
    )


def annotated():
    """Whether a potential is asked about the clusters of any subsystem."""
    return any(section["keep"] for section in config["subsystems"].values())


def expanded():
    """Many-body terms of each subsystem that has fragments, by each label set."""
    names = [n for n, s in config["subsystems"].items() if s["many_body_order"]]
    selected = [n for n in names if n in config["select"]["include"]]
    return expand(
        f"{RUN}/many_body/{{subsystem}}/{{label_set}}.csv",
        subsystem=selected,
        label_set=config["labels"],
    )


def finite_subsystems():
    """All clusters, and what is made of their energies."""
    return [f"{RUN}/{path}" for path in subsystem_files(config)] + expanded()


def fragment_tables(wildcards):
    """Which cluster of a subsystem has which fragments."""
    return [
        f"{RUN}/{path.removesuffix('.h5')}.fragments.csv"
        for path in subsystem_files(config)
        if path.split("/")[1] == wildcards.subsystem
    ]


def frames_to_cut(wildcards):
    """Frames that clusters are cut out of."""
    shard = int(wildcards.shard)
    paths = frames_of(config, wildcards.sampling, wildcards.source, shard)
    return [f"{RUN}/{path}" for path in paths]


def delta_sets():
    """Every data set of differences."""
    return expand(f"{RUN}/delta/{{delta}}/counts.json", delta=config["delta"])


def pair(wildcards):
    """Label sets of a difference: baseline, target."""
    section = config["delta"][wildcards.delta]
    return [section["baseline"], section["target"]]


def atom_files(wildcards):
    """Energies of isolated atoms by both potentials; none where they are fitted."""
    if config["delta"][wildcards.delta]["atoms"] == "fit":
        return []
    return expand(f"{RUN}/atoms/{{label_set}}.json", label_set=pair(wildcards))
