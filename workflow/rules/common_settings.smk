"""Settings of labels, scores and studies, and what is made where a config asks for it."""

from limbeck.config.plan import structures_selected


def label_set(name):
    """A label set's section, with its name and its potential's section."""
    section = config["labels"][name]
    return {"label_set": name, **section, "potential": potential(section["potential"])}


def label_settings(wildcards):
    """Settings of a label job: its label set, and which slice it labels."""
    section = label_set(wildcards.label_set)
    del section["auto"]  # what came of it is an input
    return settings(
        **section,
        **COMPUTE,
        slice=int(wildcards.slice),
        slices=len(SLICES),
        lost_device=config["lost_device"],
    )


def chosen_views(wildcards):
    """What decided on the views of a label set; none where the config says them."""
    automatic = config["labels"][wildcards.label_set].get("views") == "auto"
    return [f"{RUN}/labels/{wildcards.label_set}.views.json"] if automatic else []


def certificates():
    """How far each teacher's means over grids can be trusted; none where that is not asked for."""
    asked = TEACHERS if config["warrant"]["n_quadrature_frames"] else []
    return expand(f"{RUN}/warrant/quadrature/{{potential}}.json", potential=asked)


def score():
    """What frames are scored with before they are selected, None where they are not."""
    section = config["select"]["score"]
    return section and {**section, "potential": potential(section["potential"])}


def arms():
    """Label sets that students learn from."""
    return list(dict.fromkeys(entry.label_set for entry in STUDENTS))


def study_settings():
    """Settings of a study: its section, the arms and the students."""
    section = {k: v for k, v in config["study"].items() if k != "kind"}
    return settings(
        **section,
        label_sets={name: label_set(name) for name in arms()},
        students=config["students"],
        trained=STUDENTS,
        reference=config["warrant"]["reference"],
        **COMPUTE,
    )


def studies():
    """What the config's study found; none where it has no study."""
    study = config["study"]
    return [f"{RUN}/studies/{study['kind']}/results.json"] if study else []


def products():
    """What is made where a config asks for it."""
    return [
        *with_tables([*studies(), *certificates()]),
        *force_constant_tables(),
        *finite_subsystems(),
        *delta_sets(),
    ]


def structure_files():
    """Structures of the plan, as their sources made them: a space group is measured on these."""
    if "space_group" not in config["warrant"]["symmetries"]:
        return []
    return [f"{RUN}/{path}" for path in structures_selected(config)]


def is_reference(potential):
    """Whether a potential made the labels that errors are measured against: it has none then."""
    reference = config["warrant"]["reference"]
    return bool(reference) and config["labels"][reference]["potential"] == potential


def force_constants_settings(wildcards):
    """A section of force constants without its sources, and which shard it works on."""
    section = dict(config["force_constants"][wildcards.force_constants])
    del section["sources"]
    section["potential"] = potential(section["potential"])
    return settings(
        seed=config["seed"],
        force_constants=wildcards.force_constants,
        source=wildcards.source,
        shard=int(wildcards.shard),
        **section,
        **COMPUTE,
    )


def force_constants_of(wildcards):
    """Folder of the force constants that a sampling follows; none where it follows none."""
    name = config["sampling"][wildcards.sampling].get("force_constants")
    folder = f"{RUN}/force_constants/{name}/{wildcards.source}/{wildcards.shard}"
    return [folder] if name else []


def force_constant_tables():
    """What is known of all force constants."""
    return [f"{RUN}/{path}" for path in force_constant_files(config)]
