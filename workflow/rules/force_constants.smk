"""Force constants of crystals, for samplings along phonons and for the report."""


rule calculate_force_constants:
    input:
        script=f"{SCRIPTS}/calculate_force_constants.py",
        frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
    output:
        crystals=directory(
            f"{RUN}/force_constants/{{force_constants}}/{{source}}/{{shard}}"
        ),
        summary=f"{RUN}/force_constants/{{force_constants}}/{{source}}/{{shard}}.csv",
        sums=f"{RUN}/force_constants/{{force_constants}}/{{source}}/{{shard}}.SHA256SUMS",
    log:
        f"{LOGS}/calculate_force_constants/{{force_constants}}/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/calculate_force_constants/{{force_constants}}/{{source}}/{{shard}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="calculate_force_constants"),
    params:
        settings=settings(jobs.CalculateForceConstants),
        recipes=recipes("frames"),
    # The batch plans are shared by all runs: a cache, and no output of a job.
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --batch-plans results/batch_plans --output {output.crystals:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
