"""Rounds of training: frames of the students' own dynamics, chosen, labelled and learned from."""

ROUND = f"{RUN}/rounds/{{round}}"


rule explore_round:
    input:
        script=f"{SCRIPTS}/explore_round.py",
        starts=files(rounds.starts_of),
        models=files(rounds.models_of),
    output:
        candidates=f"{ROUND}/candidates.h5",
        own=f"{ROUND}/own.h5",
        trajectories=f"{ROUND}/trajectories.csv",
    log:
        f"{LOGS}/explore_round/{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/explore_round/{{round}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="explore_round"),
    params:
        settings=settings(jobs.ExploreRound),
        recipes=recipes("starts", "models"),
        folder=lambda wildcards, output: str(Path(output.own).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --train {input.starts[0]:q} --test {input.starts[1]:q}"
        " --models {input.models:q} --output-folder {params.folder:q} > {log:q} 2>&1"


rule choose_frames:
    input:
        script=f"{SCRIPTS}/choose_frames.py",
        candidates=files(rounds.candidates_of),
        models=files(rounds.choosers_of),
        train=files(rounds.extended_train),
    output:
        frames=f"{ROUND}/chosen.h5",
        about=f"{ROUND}/chosen.json",
    log:
        f"{LOGS}/choose_frames/{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/choose_frames/{{round}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="choose_frames"),
    params:
        settings=settings(jobs.ChooseFrames),
        recipes=recipes("candidates", "models", "train"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --candidates {input.candidates:q}"
        " --models {input.models:q} --train {input.train:q}"
        " --batch-plans results/batch_plans --output {output.frames:q} > {log:q} 2>&1"


rule label_round:
    input:
        script=f"{SCRIPTS}/label_frames.py",
        frames=f"{ROUND}/{{part}}.h5",
        views=files(rounds.views_of),
    output:
        f"{ROUND}/{{part}}.labels.h5",
    log:
        f"{LOGS}/label_round/{{round}}/{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/label_round/{{round}}/{{part}}.tsv"
    wildcard_constraints:
        part="chosen|own",
    priority: LEARNING
    retries: RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="label_round"),
        attempts_left=lambda wildcards, attempt: RETRIES + 1 - attempt,
    params:
        settings=settings(jobs.LabelRound),
        content=lambda wildcards: plan.trained_on_content(
            CONFIG, rounds.label_set_of(wildcards.round)
        ),
        recipes=recipes("frames", "views"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --views {input.views:q} --store results/label_store --batch-plans results/batch_plans"
        " --attempts-left {resources.attempts_left} --output {output:q} > {log:q} 2>&1"


rule extend_dataset:
    input:
        script=f"{SCRIPTS}/extend_dataset.py",
        parts=files(rounds.extended),
        added=files(rounds.added),
    output:
        multiext(
            f"{RUN}/datasets/{{round}}/",
            "train.h5",
            "valid.h5",
            "test_known.h5",
            "test_new.h5",
            "train.extxyz",
            "valid.extxyz",
            "test_known.extxyz",
            "test_new.extxyz",
            "counts.json",
            "SHA256SUMS",
        ),
    log:
        f"{LOGS}/extend_dataset/{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/extend_dataset/{{round}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.ExtendDataset),
        recipes=recipes("parts", "added"),
        folder=lambda wildcards, output: str(Path(output[0]).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --parts {input.parts:q} --frames {input.added[0]:q}"
        " --labels {input.added[1]:q} --output-folder {params.folder:q} > {log:q} 2>&1"


rule compare_rounds:
    input:
        script=f"{SCRIPTS}/compare_rounds.py",
        compared=files(rounds.compared),
        trajectories=files(rounds.trajectories),
    output:
        figures=f"{RUN}/rounds/{{label_set}}.{{student}}.json",
        table=report(
            f"{RUN}/rounds/{{label_set}}.{{student}}.csv",
            caption="../report/rounds.rst",
            category="Measurements",
            subcategory="Rounds",
            labels={"of": "{label_set}/{student}"},
        ),
    log:
        f"{LOGS}/compare_rounds/{{label_set}}.{{student}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_rounds/{{label_set}}.{{student}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="compare_rounds"),
    params:
        settings=settings(jobs.CompareRounds),
        recipes=recipes("compared"),
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --results {params.results:q}"
        " --output {output.figures:q} > {log:q} 2>&1"
