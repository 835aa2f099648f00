"""Studies of a run's own frames: which label sets make the better students, and what frames and
views are worth."""

#: kind in the config -> what it asks, other presentations, and what is drawn independently
ABOUT = {
    "expectation": (
        "which label sets make the better students, at an equal number of teacher calls",
        "rotations",
        "groups of structures",
    ),
    "frames_by_views": (
        "what frames and views of each are worth to a student",
        "rotations",
        "groups of structures, and draws",
    ),
}
