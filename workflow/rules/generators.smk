"""Generative models, each in an environment of its own, by a script that is read there alone."""

from limbeck.cost.generators import needs_of

for program in ABOUT:

    rule:
        name:
            f"run_{program}"
        input:
            script=f"{SCRIPTS}/run_{program}.py",
            shared=[
                f"{SCRIPTS}/generators/{name}.py"
                for name in ("programs", "rounds", "seeded", "structures")
            ],
            check_inputs=ancient(INPUTS),
            files=lambda wildcards: plan.generator_files(CONFIG, wildcards.generator),
        output:
            made=f"{RUN}/generators/{{generator}}/{{shard}}/made.json",
            structures=f"{RUN}/generators/{{generator}}/{{shard}}/structures."
            + ("sdf" if ABOUT[program].molecules else "extxyz"),
        log:
            f"{LOGS}/run_{program}/{{generator}}/{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/run_{program}/{{generator}}/{{shard}}.tsv"
        wildcard_constraints:
            generator=one_of(plan.of_program(CONFIG, program)),
            shard=r"\d+",
        conda:
            environments.file_of(
                program,
                [CONFIG.generators[name] for name in plan.of_program(CONFIG, program)],
            )
        threads: THREADS
        resources:
            # The largest of the program's generators; a job that failed gets twice as much.
            **needs(*needs_of(CONFIG, plan.of_program(CONFIG, program)), gpu=True),
        params:
            settings=settings(jobs.RunGenerator),
            content=lambda wildcards: plan.generator_content(
                CONFIG, wildcards.generator
            ),
            recipe=lambda wildcards, output: RECIPES.of(
                output.made.removeprefix(f"{RUN}/")
            ),
            python=lambda wildcards: environments.python_of(
                CONFIG.generators[wildcards.generator]
            ),
        shell:
            "{params.python:q} {input.script:q} --settings {params.settings:q}"
            " --recipe {params.recipe} --structures {output.structures:q}"
            " --output {output.made:q} > {log:q} 2>&1"


# `snakemake fetch_weights`, on a machine with a network; no other job waits for it.
rule fetch_weights:
    input:
        script=f"{SCRIPTS}/fetch_weights.py",
    output:
        temp(f"{RUN}/generators/weights.json"),
    log:
        f"{LOGS}/fetch_weights.log",
    benchmark:
        f"{BENCHMARKS}/fetch_weights.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 240),
    params:
        settings=settings(jobs.FetchWeights),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --output {output:q} > {log:q} 2>&1"
