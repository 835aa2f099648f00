"""Computations that end in the middle, as those of a killed job do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limbeck.potentials.checkpoint import Checkpoint, resumable


class Killed(BaseException):
    """Caught by nothing."""


def kill(
    monkeypatch: pytest.MonkeyPatch,
    output: Path,
    after: int,
    compute: Callable[[], Any],
    recipe: str = "r",
) -> None:
    """Let it be killed after so many check-points, which lie beside its output."""
    kept: list[Any] = []
    keep = Checkpoint.keep

    def keep_and_die(self: Checkpoint, tree: dict[str, Any]) -> None:
        keep(self, tree)
        kept.append(tree)
        if len(kept) == after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "keep", keep_and_die)
        with pytest.raises(Killed), resumable(output, recipe):
            compute()
