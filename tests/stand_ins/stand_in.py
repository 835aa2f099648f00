"""What stand-ins share: which faults they have, and a record of how they were called."""

import json
import os
import sys
import tempfile
from pathlib import Path

PREFIX = Path(sys.prefix)


def has(fault):
    """Whether this call has a fault."""
    asked = os.environ.get("STAND_IN", "").split(",")
    if fault + "-once" in asked:
        mark = PREFIX / ("had-" + fault)
        if not mark.exists():
            mark.touch()
            return True
    return fault in asked


def record(**more):
    """How this call was made."""
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "PROJECT_ROOT")
    row = {"arguments": sys.argv[1:], "cwd": os.getcwd(), "cores": os.cpu_count(), **more}
    row.update({name: os.environ.get(name) for name in names}, tmp=tempfile.gettempdir())
    with open(PREFIX / "calls.jsonl", "a") as file:
        file.write(json.dumps(row) + "\n")
