"""Studies: how far an answer depends on how its input was presented, in any field.

What stands here knows nothing of atoms: inputs and answers are arrays. Each field is one module of
``kinds/``; ``frames/`` has the studies that are made of a run's own frames, labels and students.
"""
