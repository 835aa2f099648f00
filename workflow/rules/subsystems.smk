"""Clusters of molecules, cut out of frames, and the many-body expansion of their energies."""

CLUSTERS = f"{RUN}/subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}"
# Whether a potential is asked about the clusters of any subsystem.
ANNOTATED = any(subsystem.keep for subsystem in CONFIG.subsystems.values())


rule extract_subsystems:
    input:
        script=f"{SCRIPTS}/extract_subsystems.py",
        frames=files(plan.frames_to_cut),
    output:
        frames=f"{CLUSTERS}.h5",
        summary=f"{CLUSTERS}.csv",
        fragments=f"{CLUSTERS}.fragments.csv",
        sums=f"{CLUSTERS}.SHA256SUMS",
    log:
        f"{LOGS}/extract_subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_subsystems/{{subsystem}}/{{sampling}}/{{source}}/{{shard}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS if ANNOTATED else 1
    resources:
        **needs(6000 if ANNOTATED else 2000, gpu=ANNOTATED, asks="extract_subsystems"),
    params:
        settings=settings(jobs.ExtractSubsystems),
        recipes=recipes("frames"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --output {output.frames:q} --summary {output.summary:q}"
        " --fragments {output.fragments:q} > {log:q} 2>&1"


rule expand_many_body:
    input:
        script=f"{SCRIPTS}/expand_many_body.py",
        fragments=files(plan.fragment_tables),
        labels=slices(f"{RUN}/labels/{{label_set}}/{{slice}}.h5"),
    output:
        f"{RUN}/many_body/{{subsystem}}/{{label_set}}.csv",
    log:
        f"{LOGS}/expand_many_body/{{subsystem}}/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/expand_many_body/{{subsystem}}/{{label_set}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 30),
    params:
        settings=settings(jobs.ExpandManyBody),
        recipes=recipes("fragments", "labels"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} "
        " --fragments {input.fragments:q} --labels {input.labels:q}"
        " --output {output:q} > {log:q} 2>&1"
