"""Texts whose sentences stand in another order."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.studies.study import ElsewhereStudy, Sha256


class Debian(Section):
    """Lists of packages, as apt keeps them (/var/lib/apt/lists), plain, or packed as .lz4, .gz or
    .xz."""

    packages: t.UserPath
    """Path of a file Packages, which has the sections."""
    translation: t.UserPath
    """Path of a file Translation-en, which has the descriptions."""


class Encoder(Section):
    """A frozen encoder in the layout of transformers."""

    path: t.UserPath
    """Path of its folder, with config.json, model.safetensors and the tokenizer."""
    sha256: Sha256
    """SHA-256 of its model.safetensors, which another is refused by."""
    pooling: Literal["mean", "first"] = "mean"
    """What is taken of the tokens' hidden states: their mean, or the first token's."""
    layer: int = -1
    """The layer whose hidden states are taken: 0 for the embeddings, negative from the last."""
    max_tokens: Annotated[int, Field(ge=8)] = 256
    """Longest text in tokens; texts that are longer are left out, as the encoder would not see all
    of their sentences."""


class TextSettings(ElsewhereStudy):
    """The topic of a text, which its sentences' order says little about."""

    environment: ClassVar[str] = "study-text"
    beside_data = ElsewhereStudy.beside_data | {"head"}

    kind: Literal["text"]
    debian: Debian | None = None
    """Texts and labels from descriptions of Debian's packages and their sections, where no path is
    given; path is a file of one JSON object a line with text and label."""
    encoder: Encoder
    """What makes numbers of texts; nets learn from these."""
    sentences: Annotated[int, Field(ge=3, le=4)] = 3
    """Sentences of a text: other texts are left out; all 6 orders of 3, or 24 of 4, are encoded."""
    classes: t.AtLeastTwo = 10
    """Labels that are kept, the most frequent."""
    head: Literal["linear", "small"] = "linear"
    """What learns from the encoder: a linear layer, or a net of training.layers hidden layers."""
    latents: t.UserPath | None = None
    """Path of a folder in which hidden states are kept by content, for other runs; null for none
    but the run's own file."""

    def faults(self) -> Iterator[Fault]:
        """No texts, or two kinds."""
        yield from super().faults()
        if bool(self.path) == bool(self.debian):
            got = "both path and debian" if self.path else "nothing"
            yield "path", f"{got}, expected path, or debian, to have texts from"
