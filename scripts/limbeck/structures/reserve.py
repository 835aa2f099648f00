"""Structures of a generative model among those that a source makes itself.

Of a source that asks for n of them and gets m, the last m numbers are the model's, and all before
are made as if its ``count`` were as much smaller: what the model falls short of is made after all.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from limbeck.config.jobs import GenerateStructures
from limbeck.config.plan import is_isolated
from limbeck.config.sections.sources import AnySource
from limbeck.frames import Frames, concatenate
from limbeck.structures.screening import Rejected

log = logging.getLogger(__name__)

Generate = Callable[[GenerateStructures], tuple[Frames, list[Rejected]]]


def with_reserve(
    job: GenerateStructures, reserve: Frames, generate: Generate
) -> tuple[Frames, list[Rejected]]:
    """Structures of one shard of a source, some of them those of its generative model.

    Args:
        reserve: what the model wrote and screening left, of all shards.
        generate: makes a shard of a source that has no generative model.
    """
    source = job.source
    taken = shared_out(reserve, source, job.taken_before)
    text = "%s: %d structures asked of %s, %d delivered, %d made conventionally in their place"
    asked, made = source.n_generative, source.count - len(taken)
    missing = asked - len(taken)
    log.info(text, source.name, asked, source.generative_model, len(taken), missing)
    numbers = np.arange(made, source.count)
    here = numbers % source.shards == job.shard
    own = taken.select(here)
    infos = [
        json.dumps(own.info_of(b) | {"number": n}, sort_keys=True)
        for b, n in enumerate(numbers[here].tolist())
    ]
    own = replace(
        own,
        source=np.full(len(own), source.name.encode()),
        seed=np.full(len(own), job.seed),
        info=np.array([info.encode() for info in infos], dtype=bytes),
    )
    if not made:
        return own, []
    frames, rejected = generate(job.model_copy(update={"source": conventional(source, made)}))
    return concatenate([frames, own]), rejected


def shared_out(reserve: Frames, source: AnySource, before: int) -> Frames:
    """The structures of a reserve that are this source's: each goes to one source, and once.

    Args:
        before: how many sources before it ask for.
    """
    numbers = [reserve.info_of(b)["number"] for b in range(len(reserve))]
    ordered = reserve.select(np.argsort(numbers, kind="stable"))
    fits = np.ones(len(ordered), bool)
    if source.kind != "file":
        fits = ordered.periodic != is_isolated(source)
    _, first = np.unique(ordered.id, return_index=True)
    fits &= np.isin(np.arange(len(ordered)), first)
    return ordered.select(np.flatnonzero(fits)[before : before + source.n_generative])


def conventional(source: AnySource, count: int) -> AnySource:
    """A source that makes so many structures and takes none of a generative model."""
    own = {"count": count, "generative_fraction": 0.0, "generative_model": None}
    return source.model_copy(update=own)
