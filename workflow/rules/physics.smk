"""What students make of dynamics and crystals, beside their teachers."""


rule measure_teacher_physics:
    input:
        script=f"{SCRIPTS}/measure_physics.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=files(plan.structures_of_physics),
    output:
        figures=f"{RUN}/physics/teachers/{{potential}}.json",
        table=report(
            f"{RUN}/physics/teachers/{{potential}}.csv",
            caption="../report/physics.rst",
            category="Measurements",
            subcategory="Physics",
            labels={"of": "{potential}"},
        ),
    log:
        f"{LOGS}/measure_teacher_physics/{{potential}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_teacher_physics/{{potential}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="measure_teacher_physics"),
    params:
        settings=settings(jobs.MeasurePhysics),
        recipes=recipes("frames", "structures"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --structures {input.structures:q} --output {output.figures:q} > {log:q} 2>&1"


rule measure_student_physics:
    input:
        script=f"{SCRIPTS}/measure_physics.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=files(plan.structures_of_physics),
        teacher=files(plan.physics_of_teacher),
        model=files(plan.model_of_student),
    output:
        figures=f"{RUN}/physics/students/{{label_set}}/{{student}}/seed{{seed}}.json",
        table=report(
            f"{RUN}/physics/students/{{label_set}}/{{student}}/seed{{seed}}.csv",
            caption="../report/physics.rst",
            category="Measurements",
            subcategory="Physics",
            labels={"of": "{label_set}/{student}, seed {seed}"},
        ),
    log:
        f"{LOGS}/measure_student_physics/{{label_set}}/{{student}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_student_physics/{{label_set}}/{{student}}/seed{{seed}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="measure_student_physics"),
    params:
        settings=settings(jobs.MeasurePhysics),
        recipes=recipes("frames", "structures", "teacher", "model"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --structures {input.structures:q} --teacher {input.teacher:q}"
        " --model {input.model:q} --output {output.figures:q} > {log:q} 2>&1"
