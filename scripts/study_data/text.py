"""Texts of a few sentences, encoded in every order of them by a frozen encoder, in its environment.

Texts and labels come from a user's file of one JSON object a line, or from the descriptions and
sections of Debian's packages. Sentences are sorted first, so that nothing that is stored depends on
the order that a text has; which one it has is stored beside.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import itertools
import json
import lzma
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: texts -> hidden states [N,D], and which were too long, [N]
Encode = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]
#: the end of a sentence, before the beginning of another
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
#: letters of a sentence: shorter ones are headings, longer ones are lists
LETTERS = (20, 300)
AT_ONCE = 32


def stop(text: str) -> SystemExit:
    """The error of a user."""
    return SystemExit(f"error: {text}")


# texts


def from_jsonl(path: Path) -> Iterator[tuple[str, str]]:
    """Text and label of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, label = row["text"], row["label"]
        except (ValueError, TypeError, KeyError) as error:
            wanted = 'expected {"text": ..., "label": ...}'
            raise stop(f"{path}, line {number}: {error!r}, {wanted}") from error
        if not isinstance(text, str) or not isinstance(label, str | int):
            raise stop(f"{path}, line {number}: expected text as words, and label as words or int")
        yield text, str(label)


def from_debian(packages: Path, translation: Path) -> Iterator[tuple[str, str]]:
    """Description and section of each package, joined by the description's MD5; lists are left
    out, as they are no sentences."""
    sections = {}
    for block in unpacked(packages).split("\n\n"):
        key = re.search(r"^Description-md5: (\w+)", block, re.M)
        section = re.search(r"^Section: (?:\S+/)?(\S+)", block, re.M)
        if key and section:
            sections[key[1]] = section[1]
    for block in unpacked(translation).split("\n\n"):
        key = re.search(r"^Description-md5: (\w+)", block, re.M)
        text = re.search(r"^Description-en: .*\n((?: .*(?:\n|\Z))*)", block, re.M)
        if key and text and key[1] in sections and not re.search(r"^\s*[*-] ", text[1], re.M):
            lines = (line.strip() for line in text[1].splitlines())
            yield " ".join(line for line in lines if line != "."), sections[key[1]]


def unpacked(path: Path) -> str:
    """The text of a file, plain or packed."""
    try:
        if path.suffix == ".lz4":
            done = subprocess.run(["lz4", "-dc", str(path)], capture_output=True, check=True)
            return done.stdout.decode()
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        return (lzma.decompress(data) if path.suffix == ".xz" else data).decode()
    except (OSError, EOFError, ValueError, lzma.LZMAError, subprocess.SubprocessError) as error:
        raise stop(f"{path}: not a readable list of packages: {error}") from error


def chosen(
    rows: Iterator[tuple[str, str]], own: dict[str, Any], rng: np.random.Generator
) -> tuple[list[list[str]], list[str]]:
    """Sentences and labels of texts with as many sentences as are wanted, all of them different, in
    a random order of texts; of the most frequent labels.

    Texts that share a sentence with one before them are left out: they are not independent.
    """
    found: list[tuple[list[str], str]] = []
    seen: set[str] = set()
    counts: collections.Counter[int] = collections.Counter()
    for text, label in rows:
        sentences = [part.strip() for part in END.split(text) if part.strip()]
        counts[len(sentences)] += 1
        short, long = LETTERS
        fits = len(sentences) == own["sentences"] == len(set(sentences))
        if fits and all(short < len(s) < long for s in sentences) and not seen & set(sentences):
            seen.update(sentences)
            found.append((sentences, label))
    common = collections.Counter(label for _, label in found).most_common(own["classes"])
    labels = {label for label, n in common if n > 1}
    if len(labels) < 2:
        text = f"texts of {own['sentences']} sentences with {len(labels)} labels"
        numbers = ", ".join(f"{n} of {k}" for k, n in sorted(counts.items())[:8]) or "none"
        raise stop(f"studies.{own['name']}: {text}, expected 2 or more; sentences: {numbers}")
    kept = [row for row in found if row[1] in labels]
    kept = [kept[i] for i in rng.permutation(len(kept))[: own["count"]]]
    return [sentences for sentences, _ in kept], [label for _, label in kept]


# encoding


def encoder_of(own: dict[str, Any]) -> Encode:
    """The encoder of a folder, whose weights have the hash that the config says."""
    folder = Path(own["path"])
    weights = folder / "model.safetensors"
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != own["sha256"]:
        raise stop(f"{weights}: its SHA-256 is {found}, expected {own['sha256']}")
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    layers = model.config.num_hidden_layers + 1  # the embeddings, too
    if not -layers <= own["layer"] < layers:
        raise stop(f"encoder.layer: {own['layer']}, expected {-layers} to {layers - 1}")
    most = min(own["max_tokens"], model.config.max_position_embeddings)

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        long = np.array([len(ids) > most for ids in tokens(list(texts))["input_ids"]])
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        made = np.zeros((len(texts), model.config.hidden_size), np.float32)
        for start in range(0, len(order), AT_ONCE):
            at = order[start : start + AT_ONCE]
            some = tokens(
                [texts[i] for i in at],
                padding=True,
                truncation=True,
                max_length=most,
                return_tensors="pt",
            )
            states = model(**some, output_hidden_states=True).hidden_states[own["layer"]]
            there = some["attention_mask"][..., None]
            mean = (states * there).sum(dim=1) / there.sum(dim=1)
            made[at] = (mean if own["pooling"] == "mean" else states[:, 0]).numpy()
        return made, long

    return encode


def stored(encode: Encode, folder: Path, encoder: dict[str, Any]) -> Encode:
    """The same, which asks once for each text: what is known is in a file of the folder.

    The file's name is a hash of all that hidden states depend on, the key of a row that of the
    text, as in limbeck.studies.latents.
    """
    import h5py

    depends = {name: value for name, value in encoder.items() if name != "path"}
    name = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
    path = folder / f"{name[:32]}.h5"
    known: dict[bytes, tuple[np.ndarray, bool]] = {}
    if path.exists():
        try:
            with h5py.File(path, "r") as file:
                keys, values, long = (file[k][()] for k in ("keys", "values", "long"))
        except (KeyError, OSError, RuntimeError) as error:
            raise stop(f"{path}: not a readable file of latents, remove it: {error}") from error
        rows = zip(keys, values, long, strict=True)
        known = {key.tobytes(): (value, bool(is_long)) for key, value, is_long in rows}

    def asked(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        new = {k: text for k, text in zip(keys, texts, strict=True) if k not in known}
        if new:
            rows = zip(new, *encode(list(new.values())), strict=True)
            known.update({key: (value, bool(is_long)) for key, value, is_long in rows})
            values, long = (np.stack(each) for each in zip(*known.values(), strict=True))
            all_keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, 32)
            write(path, {"keys": all_keys, "values": values, "long": long})
        values, long = zip(*(known[key] for key in keys), strict=True)
        return np.stack(values), np.array(long)

    return asked


def arrays(texts: list[list[str]], labels: list[str], encode: Encode) -> dict[str, np.ndarray]:
    """All orders of N texts of S sentences: ``ranks`` [N,S], hidden states of ``orders`` [N,S!,D]
    and of each sentence ``alone`` [N,S,D], ``truth`` [N,classes], ``cluster`` [N].

    Texts that are too long in any order, or whose label would be left alone, are left out.
    """
    s = len(texts[0])
    sorted_texts = [sorted(text) for text in texts]
    pairs = zip(texts, sorted_texts, strict=True)
    ranks = np.array([[in_order.index(x) for x in text] for text, in_order in pairs])
    orders = list(itertools.permutations(range(s)))
    joined = [" ".join(text[k] for k in order) for text in sorted_texts for order in orders]
    values, long = encode(joined + [sentence for text in sorted_texts for sentence in text])
    n, at = len(texts), len(joined)
    fits = long[:at].reshape(n, -1).sum(axis=1) == 0
    if fits.sum() < 2 or len({x for x, y in zip(labels, fits, strict=True) if y}) < 2:
        text = f"{(~fits).sum()} of {n} texts are too long for the encoder (max_tokens)"
        raise stop(f"{text}, expected two labels and more among the rest; raise count")
    if not np.isfinite(values).all():
        raise stop("hidden states are not finite: is this the encoder's own config.json?")
    names, column = np.unique(np.array(labels)[fits], return_inverse=True)
    return {
        "inputs/ranks": ranks[fits],
        "inputs/orders": values[:at].reshape(n, len(orders), -1)[fits],
        "inputs/alone": values[at:].reshape(n, s, -1)[fits],
        "truth": np.eye(len(names))[column],
        "cluster": np.arange(fits.sum()),
    }


def write(path: Path, made: dict[str, np.ndarray], recipe: str = "") -> None:
    """A whole file, or none."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(temporary, "w") as file:
            for name, values in made.items():
                file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
            if recipe:
                file.attrs["stage"] = np.bytes_("make_study_data")
                file.attrs["recipe"] = np.bytes_(recipe)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main() -> None:
    """Read texts, encode them in all orders, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="the rule's settings (.json)")
    parser.add_argument("--recipe", default="", help="what the file is made of")
    parser.add_argument("--output", type=Path, required=True, help="the texts (.h5)")
    args = parser.parse_args()
    job = json.loads(args.settings.read_text(encoding="utf-8"))
    own = job["study"]
    if own["path"]:
        path = Path(own["path"])
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if own["sha256"] and found != own["sha256"]:
            raise stop(f"{path}: its SHA-256 is {found}, expected {own['sha256']}")
        rows = from_jsonl(path)
    else:
        rows = from_debian(*(Path(own["debian"][k]) for k in ("packages", "translation")))
    texts, labels = chosen(rows, own, np.random.default_rng(job["seed"]))
    encode = encoder_of(own["encoder"])
    if own["latents"]:
        encode = stored(encode, Path(own["latents"]), own["encoder"])
    made = arrays(texts, labels, encode)
    write(args.output, made, args.recipe)
    n, classes = made["truth"].shape
    print(f"{n} texts of {own['sentences']} sentences, {classes} labels; {len(texts) - n} too long")


if __name__ == "__main__":
    main()
