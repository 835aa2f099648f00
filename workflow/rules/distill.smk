"""Data sets, the students trained on them, and what these are worth on the test frames."""

STUDENT = f"{RUN}/students/{{label_set}}/{{student}}/seed{{seed}}"


rule build_dataset:
    input:
        script=f"{SCRIPTS}/build_dataset.py",
        passed=f"{RUN}/gate/{{label_set}}.passed",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        labels=slices(f"{RUN}/labels/{{label_set}}/{{slice}}.h5"),
    output:
        multiext(
            f"{RUN}/datasets/{{label_set}}/",
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
        f"{LOGS}/build_dataset/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/build_dataset/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.BuildDataset),
        recipes=recipes("frames", "labels"),
        folder=lambda wildcards, output: str(Path(output[0]).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --labels {input.labels:q} --output-folder {params.folder:q} > {log:q} 2>&1"


rule train_student:
    input:
        script=f"{SCRIPTS}/train_student.py",
        train=f"{RUN}/datasets/{{label_set}}/train.h5",
        valid=f"{RUN}/datasets/{{label_set}}/valid.h5",
        reference=files(plan.hard_labels),
        like=files(rounds.like),
    output:
        model=directory(f"{STUDENT}/model"),
        last=directory(f"{STUDENT}/last"),
        curve=f"{STUDENT}/training.csv",
        summary=f"{STUDENT}/training.json",
    log:
        f"{LOGS}/train_student/{{label_set}}/{{student}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_student/{{label_set}}/{{student}}/seed{{seed}}.tsv"
    wildcard_constraints:
        label_set=one_of(LEARNED),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(8000, gpu=True, asks="train_student"),
    params:
        settings=settings(jobs.TrainStudent),
        recipes=recipes("train", "valid", "reference", "like"),
        folder=lambda wildcards, output: str(Path(output.model).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --train {input.train:q}"
        " --valid {input.valid:q} --reference {input.reference:q} --like {input.like:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"


rule evaluate_student:
    input:
        script=f"{SCRIPTS}/evaluate_student.py",
        model=f"{STUDENT}/model",
        last=f"{STUDENT}/last",
        curve=f"{STUDENT}/training.csv",
        training=f"{STUDENT}/training.json",
        train=f"{RUN}/datasets/{{label_set}}/train.h5",
        test_known=f"{RUN}/datasets/{{label_set}}/test_known.h5",
        test_new=f"{RUN}/datasets/{{label_set}}/test_new.h5",
        reference=files(plan.reference_labels),
        teacher=files(plan.teacher_of_student),
    output:
        multiext(
            f"{STUDENT}/", "metrics.json", "use_me.py", "predictions.h5", "SHA256SUMS"
        ),
        table=report(
            f"{STUDENT}/metrics.csv",
            caption="../report/metrics.rst",
            category="Students",
            labels={
                "student": "{label_set}/{student}",
                "seed": "{seed}",
                "what": "errors",
            },
        ),
        card=report(
            f"{STUDENT}/card.md",
            caption="../report/card.rst",
            category="Students",
            labels={
                "student": "{label_set}/{student}",
                "seed": "{seed}",
                "what": "card",
            },
        ),
    log:
        f"{LOGS}/evaluate_student/{{label_set}}/{{student}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_student/{{label_set}}/{{student}}/seed{{seed}}.tsv"
    wildcard_constraints:
        label_set=one_of(LEARNED),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(4000, gpu=True, asks="evaluate_student"),
    params:
        settings=settings(jobs.EvaluateStudent),
        recipes=recipes(
            "model",
            "training",
            "train",
            "test_known",
            "test_new",
            "reference",
            "teacher",
        ),
        folder=lambda wildcards, input: str(Path(input.model).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --model {input.model:q}"
        " --train {input.train:q} --test-known {input.test_known:q} --test-new {input.test_new:q}"
        " --reference {input.reference:q} --teacher {input.teacher:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"
