"""Whether every part of the run made something, and which frames are labelled."""


# One shard may well be empty: of all, something has to be left.
rule check_yields:
    input:
        script=f"{SCRIPTS}/check_yields.py",
        frames=files(plan.frames_of_stage),
        tables=files(plan.tables_of_stage),
    output:
        f"{RUN}/yields/{{stage}}.json",
    log:
        f"{LOGS}/check_yields/{{stage}}.log",
    benchmark:
        f"{BENCHMARKS}/check_yields/{{stage}}.tsv"
    priority: 100
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 10),
    params:
        settings=settings(jobs.CheckYields),
        recipes=recipes("frames"),
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --results {params.results:q} --output {output:q} > {log:q} 2>&1"


rule choose_over_all:
    input:
        script=f"{SCRIPTS}/choose_over_all.py",
        frames=files(plan.frames_of_batch),
        before=files(plan.choices_before),
        # waited for, and no reason to choose anew
        yields=ancient(files(plan.yields_before_batch)),
    output:
        f"{RUN}/choices/{{batch}}.h5",
    log:
        f"{LOGS}/choose_over_all/{{batch}}.log",
    benchmark:
        f"{BENCHMARKS}/choose_over_all/{{batch}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 120),
    params:
        settings=settings(jobs.ChooseOverAll),
        recipes=recipes("frames", "before"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --before {input.before:q} --output {output:q} > {log:q} 2>&1"


rule select_frames:
    input:
        script=f"{SCRIPTS}/select_frames.py",
        frames=files(plan.frames_of_slice),
        choice=files(plan.choice_of_frames),
        # waited for, and no reason to select anew
        yields=ancient(files(plan.yields_before)),
    output:
        f"{RUN}/selected/{{slice}}.h5",
    log:
        f"{LOGS}/select_frames/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/select_frames/{{slice}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS if CONFIG.select.score else 1
    resources:
        **needs(4000, gpu=CONFIG.select.score is not None, asks="select_frames"),
    params:
        settings=settings(jobs.SelectFrames),
        recipes=recipes("frames", "choice"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --choice {input.choice:q}"
        " --output {output:q} > {log:q} 2>&1"
