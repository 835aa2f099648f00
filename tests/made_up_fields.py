"""Stand-ins for what programs in other environments make of studies."""

import hashlib
import json
from pathlib import Path

import numpy as np

from study_data import text as text_script


def jets(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Particles [N,M,4] and classes [N] in EnergyFlow's layout: gluons have more and are wider."""
    rng = np.random.default_rng(seed)
    quark = np.arange(count) % 2
    particles = np.zeros((count, 60, 4))
    for i, light in enumerate(quark):
        m = rng.poisson(20 if light else 32) + 4
        axis = rng.uniform([-1.6, 0], [1.6, 2 * np.pi])
        beside = rng.normal(0, 0.05 if light else 0.1, (m, 2)) * [1, 0.6]
        pt = rng.exponential(size=m)
        particles[i, :m] = np.column_stack([525 * pt / pt.sum(), axis + beside, np.full(m, 211)])
    return particles, quark


def write_jets(path, count: int, seed: int = 1) -> dict:
    """A file of theirs; the settings that a study of it needs."""
    particles, quark = jets(count, seed)
    np.savez(path, X=particles, y=quark.astype(float))
    return {"path": str(path)}


def encode(texts):
    """Hidden states [N,8] of texts: random numbers of each word at its place. Deterministic, and
    another order has other ones; no text is too long."""
    rows = []
    for text in texts:
        words = [int(hashlib.sha256(word.encode()).hexdigest()[:12], 16) for word in text.split()]
        vectors = [np.random.default_rng([w, i // 4]).normal(size=8) for i, w in enumerate(words)]
        rows.append(np.tanh(np.sum(vectors, axis=0) / 3))
    return np.array(rows, np.float32), np.zeros(len(rows), bool)


def texts(count: int, sentences: int, seed: int = 1) -> list[tuple[str, str]]:
    """Texts and labels: a topic's words are in most of its sentences."""
    rng = np.random.default_rng(seed)
    words = {"sea": ["harbour", "sail", "tide"], "wood": ["beech", "moss", "deer"]}
    rows = []
    for i in range(count):
        label = list(words)[i % 2]
        parts = [
            f"Here {rng.choice(words[label])} number {rng.integers(10**9)} is by the {i} others."
            for _ in range(sentences)
        ]
        rows.append((" ".join(parts), label))
    return rows


def write_texts(path, count: int, sentences: int, seed: int = 1) -> dict:
    """A file of theirs, one JSON object a line; the settings that name it."""
    rows = [{"text": text, "label": label} for text, label in texts(count, sentences, seed)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = path.parent / "encoder"
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    weights = hashlib.sha256(b"{}").hexdigest()
    encoder = {"path": str(folder), "sha256": weights}
    return {"path": str(path), "encoder": encoder, "sentences": sentences}


def encoded(path, own: dict) -> None:
    """What scripts/study_data/text.py writes for settings, with the encoder above for its own."""
    rows = text_script.from_jsonl(Path(own["path"]))
    made = text_script.chosen(rows, own, np.random.default_rng(1))
    text_script.write(path, text_script.arrays(*made, encode), "0" * 64)
