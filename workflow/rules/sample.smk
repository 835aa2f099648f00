"""Frames made from the structures of a source."""


rule sample_rattle:
    input:
        script="scripts/sample_rattle.py",
        frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
    output:
        frames=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.h5",
        summary=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.csv",
    log:
        f"{LOGS}/sample_rattle/{{sampling}}/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_rattle/{{sampling}}/{{source}}/{{shard}}.tsv"
    wildcard_constraints:
        sampling=one_of(of_kind("sampling", "method", "rattle")),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=runtime(60),
    params:
        settings=sampling_settings,
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
        " --output {output.frames:q} --summary {output.summary:q} > {log:q} 2>&1"


rule sample_md:
    input:
        script="scripts/sample_md.py",
        frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
    output:
        frames=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.h5",
        summary=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.csv",
    log:
        f"{LOGS}/sample_md/{{sampling}}/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_md/{{sampling}}/{{source}}/{{shard}}.tsv"
    wildcard_constraints:
        sampling=one_of(of_kind("sampling", "method", "md")),
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(6000),
        runtime=runtime(240),
        gpu=GPUS,
    params:
        settings=sampling_settings,
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
        " --output {output.frames:q} --summary {output.summary:q} > {log:q} 2>&1"
