"""Clusters of molecules, cut out of frames, and the many-body expansion of their energies."""

CLUSTERS = f"{RUN}/subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}"


rule extract_subsystems:
    input:
        script="scripts/extract_subsystems.py",
        frames=frames_to_cut,
    output:
        frames=f"{CLUSTERS}.h5",
        summary=f"{CLUSTERS}.csv",
        fragments=f"{CLUSTERS}.fragments.csv",
    log:
        f"{LOGS}/extract_subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}.tsv"
    wildcard_constraints:
        subsystem=one_of(config["subsystems"]),
        sampling=one_of(["generated", *config["sampling"]]),
    conda:
        ENVIRONMENT
    threads: THREADS if annotated() else 1
    resources:
        mem_mb=memory(6000 if annotated() else 2000),
        runtime=runtime(60),
        gpu=GPUS if annotated() else 0,
    params:
        settings=subsystem_settings,
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
        " --output {output.frames:q} --summary {output.summary:q}"
        " --fragments {output.fragments:q} > {log:q} 2>&1"


rule expand_many_body:
    input:
        script="scripts/expand_many_body.py",
        fragments=fragment_tables,
        labels=slices(f"{RUN}/labels/{{label_set}}/{{slice}}.h5"),
    output:
        f"{RUN}/many_body/{{subsystem}}/{{label_set}}.csv",
    log:
        f"{LOGS}/expand_many_body/{{subsystem}}/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/expand_many_body/{{subsystem}}/{{label_set}}.tsv"
    wildcard_constraints:
        subsystem=one_of(config["subsystems"]),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=runtime(30),
    params:
        settings=lambda wildcards: settings(
            label_set=wildcards.label_set,
            many_body_order=config["subsystems"][wildcards.subsystem][
                "many_body_order"
            ],
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --fragments {input.fragments:q} --labels {input.labels:q}"
        " --output {output:q} > {log:q} 2>&1"
