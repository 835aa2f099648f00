"""Labels of the selected frames."""


# For `views: auto`: a few frames tell whether averaging is worth it, before the first is labelled.
rule choose_views:
    input:
        script=f"{SCRIPTS}/choose_views.py",
        frames=files(plan.frames_to_choose_views),
    output:
        figures=f"{RUN}/labels/{{label_set}}.views.json",
        table=f"{RUN}/labels/{{label_set}}.views.csv",
    log:
        f"{LOGS}/choose_views/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/choose_views/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="choose_views"),
    params:
        settings=settings(jobs.ChooseViews),
        recipes=recipes("frames"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --output {output.figures:q} > {log:q} 2>&1"


rule check_file_labels:
    input:
        script=f"{SCRIPTS}/check_file_labels.py",
        check_inputs=ancient(INPUTS),
        files=lambda wildcards: plan.labelled_files(CONFIG, wildcards.label_set),
    output:
        f"{RUN}/labels/{{label_set}}.file.json",
    log:
        f"{LOGS}/check_file_labels/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/check_file_labels/{{label_set}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.from_files(CONFIG)),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 60),
    params:
        settings=settings(jobs.CheckFileLabels),
        content=lambda wildcards: plan.labelled_content(CONFIG, wildcards.label_set),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --output {output:q} > {log:q} 2>&1"


rule read_labels:
    input:
        script=f"{SCRIPTS}/read_labels.py",
        frames=f"{RUN}/selected/{{slice}}.h5",
        pilot=ancient(files(plan.pilot_before_labels)),
        found=f"{RUN}/labels/{{label_set}}.file.json",
        files=lambda wildcards: plan.labelled_files(CONFIG, wildcards.label_set),
    output:
        f"{RUN}/labels/{{label_set}}/{{slice}}.h5",
    log:
        f"{LOGS}/read_labels/{{label_set}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/read_labels/{{label_set}}/{{slice}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.from_files(CONFIG)),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.ReadLabels),
        content=lambda wildcards: plan.labelled_content(CONFIG, wildcards.label_set),
        recipes=recipes("frames", "found"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q} --found {input.found:q}"
        " --output {output:q} > {log:q} 2>&1"


rule label_frames:
    input:
        script=f"{SCRIPTS}/label_frames.py",
        frames=f"{RUN}/selected/{{slice}}.h5",
        pilot=ancient(files(plan.pilot_before_labels)),
        views=files(plan.choices_of_views),
    output:
        f"{RUN}/labels/{{label_set}}/{{slice}}.h5",
    log:
        f"{LOGS}/label_frames/{{label_set}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/label_frames/{{label_set}}/{{slice}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.by_potentials(CONFIG)),
    priority: LEARNING
    retries: RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="label_frames"),
        # Frames without an answer fail the job as long as it can be tried again; after the last
        # attempt they are set aside.
        attempts_left=lambda wildcards, attempt: RETRIES + 1 - attempt,
    params:
        settings=settings(jobs.LabelFrames),
        content=lambda wildcards: plan.trained_on_content(CONFIG, wildcards.label_set),
        recipes=recipes("frames", "views"),
    # The label store and the batch plans are shared by all runs: caches, and no outputs of a job.
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --views {input.views:q} --store results/label_store --batch-plans results/batch_plans"
        " --attempts-left {resources.attempts_left} --output {output:q} > {log:q} 2>&1"
