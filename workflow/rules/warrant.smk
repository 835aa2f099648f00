"""How far teachers and students can be trusted, and what they cost."""


rule measure_teacher_gap:
    input:
        script="scripts/measure_gap.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=structure_files(),
        reference=lambda wildcards: (
            [] if is_reference(wildcards.potential) else reference_files()
        ),
    output:
        figures=f"{RUN}/warrant/teachers/{{potential}}.json",
        table=f"{RUN}/warrant/teachers/{{potential}}.csv",
    log:
        f"{LOGS}/measure_teacher_gap/{{potential}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_teacher_gap/{{potential}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(6000),
        runtime=runtime(240),
        gpu=GPUS,
    params:
        settings=lambda wildcards: gap_settings(
            kind="teacher",
            name=wildcards.potential,
            potential=potential(wildcards.potential),
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --structures {input.structures:q} --reference {input.reference:q}"
        " --output {output.figures:q} > {log:q} 2>&1"


rule measure_student_gap:
    input:
        script="scripts/measure_gap.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=structure_files(),
        reference=reference_files(),
        models=lambda wildcards: [
            f"{RUN}/students/{label_set}/{student}/seed{seed}/model"
            for label_set, student, seed in STUDENTS
            if (label_set, student) == (wildcards.label_set, wildcards.student)
        ],
    output:
        figures=f"{RUN}/warrant/students/{{label_set}}/{{student}}.json",
        table=f"{RUN}/warrant/students/{{label_set}}/{{student}}.csv",
    log:
        f"{LOGS}/measure_student_gap/{{label_set}}/{{student}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_student_gap/{{label_set}}/{{student}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(6000),
        runtime=runtime(240),
        gpu=GPUS,
    params:
        settings=lambda wildcards: gap_settings(
            kind="student", name=f"{wildcards.label_set}/{wildcards.student}"
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --structures {input.structures:q} --reference {input.reference:q}"
        " --models {input.models:q} --output {output.figures:q} > {log:q} 2>&1"


rule measure_speed:
    input:
        script="scripts/measure_speed.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        models=[f"{folder}/model" for folder in student_folders()],
    output:
        figures=f"{RUN}/speed.json",
        table=f"{RUN}/speed.csv",
    log:
        f"{LOGS}/measure_speed.log",
    benchmark:
        f"{BENCHMARKS}/measure_speed.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(6000),
        runtime=runtime(60),
        gpu=GPUS,
    params:
        settings=settings(potentials=[potential(name) for name in TEACHERS], **COMPUTE),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --models {input.models:q} --output {output.figures:q} > {log:q} 2>&1"
