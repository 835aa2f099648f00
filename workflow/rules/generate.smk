"""Structures of the sources, and what is refused of them."""


rule check_inputs:
    input:
        # Everything waits for this file: neither the script's age nor another config makes it
        # anew. Where the config or a file has changed since, check_inputs_again looks.
        script=ancient(f"{SCRIPTS}/check_inputs.py"),
    output:
        INPUTS,
    log:
        f"{LOGS}/check_inputs.log",
    benchmark:
        f"{BENCHMARKS}/check_inputs.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 20),
    params:
        # Snakemake keeps no record of params that are made from the input.
        settings=lambda wildcards, input: SETTINGS.path(json.dumps(CHECKED)),
        split=lambda wildcards, input: CONFIG.dataset.text() if CONFIG.distill else "",
    shell:
        "python {input.script:q} --settings {params.settings:q} --split={params.split:q}"
        " --output {output:q} > {log:q} 2>&1"


use rule check_inputs as check_inputs_again with:
    output:
        INPUTS_AGAIN,
    log:
        f"{LOGS}/check_inputs_again/{{checked}}.log",
    benchmark:
        f"{BENCHMARKS}/check_inputs_again/{{checked}}.tsv"
    wildcard_constraints:
        checked="[0-9a-f]+",
    priority: 100


for kind in SOURCES:

    rule:
        name:
            f"generate_{kind}"
        input:
            script=f"{SCRIPTS}/generate_structures.py",
            check_inputs=INPUTS,
            # No work before labels of one's own are known to be right; what they are like makes no
            # structure anew.
            file_labels=ancient(files(plan.all_checks_of_file_labels)),
            # Nor before the pilot passed, but for the pilot itself.
            pilot=ancient(files(plan.pilots_before_source)),
            files=lambda wildcards: plan.source_files(CONFIG, wildcards.source),
            reserve=files(plan.reserve_files),
            made=files(plan.generated_files),
            of_generator=files(plan.structures_of_generator),
        output:
            frames=f"{RUN}/structures/{{source}}/{{shard}}.h5",
            failed=f"{RUN}/structures/{{source}}/{{shard}}.failed.csv",
        log:
            f"{LOGS}/generate_{kind}/{{source}}/{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/generate_{kind}/{{source}}/{{shard}}.tsv"
        wildcard_constraints:
            source=one_of(plan.of_kind(CONFIG.sources, "kind", kind)),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            **needs(2000, 60),
        params:
            settings=settings(jobs.GenerateStructures),
            # Dates tell little: a copy may keep that of its original.
            content=lambda wildcards: plan.source_content(CONFIG, wildcards.source),
            recipes=recipes("reserve", "made"),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --reserve {input.reserve:q} --made {input.made:q}"
            " --output {output.frames:q} --failed {output.failed:q} > {log:q} 2>&1"


# A source waits for those before it alone, and a batch for those before it: a source that is added
# at the end makes nothing anew, and the pilot waits for nothing that waits for it.
rule find_duplicates:
    input:
        script=f"{SCRIPTS}/find_duplicates.py",
        structures=files(plan.structures_searched),
        before=files(plan.structures_before),
        kept_before=files(plan.keys_before),
    output:
        kept=f"{RUN}/duplicates/{{source}}/{{batch}}.h5",
        table=f"{RUN}/duplicates/{{source}}/{{batch}}.csv",
    log:
        f"{LOGS}/find_duplicates/{{source}}/{{batch}}.log",
    benchmark:
        f"{BENCHMARKS}/find_duplicates/{{source}}/{{batch}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 120),
    params:
        settings=settings(jobs.FindDuplicates),
        recipes=recipes("structures", "before", "kept_before"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.structures:q}"
        " --before {input.before:q} --keys {input.kept_before:q}"
        " --output {output.kept:q} --table {output.table:q} > {log:q} 2>&1"


rule screen_structures:
    input:
        script=f"{SCRIPTS}/screen_structures.py",
        frames=f"{RUN}/structures/{{source}}/{{shard}}.h5",
        duplicates=files(plan.duplicates_of),
    output:
        frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
        rejects=f"{RUN}/screened/{{source}}/{{shard}}.rejects.csv",
    log:
        f"{LOGS}/screen_structures/{{source}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/screen_structures/{{source}}/{{shard}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 30),
    params:
        settings=SETTINGS.path(CONFIG.screen.text()),
        recipes=recipes("frames", "duplicates"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --duplicates {input.duplicates:q}"
        " --output {output.frames:q} --rejects {output.rejects:q} > {log:q} 2>&1"


# As they were made: what the screening refuses of a generative model says something of it.
rule compare_sources:
    input:
        script=f"{SCRIPTS}/compare_sources.py",
        structures=files(plan.structures_compared_with),
    output:
        f"{RUN}/comparison.json",
    log:
        f"{LOGS}/compare_sources.log",
    benchmark:
        f"{BENCHMARKS}/compare_sources.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.CompareSources),
        recipes=recipes("structures"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --structures {input.structures:q}"
        " --output {output:q} > {log:q} 2>&1"
