"""Weights are fetched once, and nothing is put in place that is not what it is to be."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import in_process
from generator_jobs import config_of
from limbeck.config.sections.generators import weights
from limbeck.config.sections.generators.weights import Download
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of

fetch = in_process.script_named("fetch_weights").fetch


@pytest.fixture
def address(tmp_path):
    """A server of one folder, which has a file of weights."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there/w.ckpt").write_bytes(b"weights" * 1000)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "there")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/w.ckpt"
    server.shutdown()
    server.server_close()


def wanted(tmp_path, url, **changed):
    sha256 = hashlib.sha256(b"weights" * 1000).hexdigest()
    return Download(url, str(tmp_path / "weights/w.ckpt"), sha256, 7000)._replace(**changed)


def test_a_file_is_fetched_once(tmp_path, address):
    fetch(wanted(tmp_path, address))
    assert (tmp_path / "weights/w.ckpt").read_bytes() == b"weights" * 1000
    fetch(wanted(tmp_path, "http://127.0.0.1:1/gone"))  # it is there already


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sha256": "0" * 64}, "its SHA-256 is .*, expected 0000"),
        ({"bytes": 6999}, "larger than 6999 bytes"),
    ],
)
def test_what_is_another_is_not_kept(tmp_path, address, changed, message):
    with pytest.raises(LimbeckError, match=message):
        fetch(wanted(tmp_path, address, **changed))
    assert not list((tmp_path / "weights").iterdir())


def test_no_network_is_told_in_a_line(tmp_path):
    with pytest.raises(LimbeckError, match=r"http://127.0.0.1:1/w: not downloaded: "):
        fetch(wanted(tmp_path, "http://127.0.0.1:1/w"))


def test_what_has_to_be_fetched_by_hand_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = {"program": "moldiff", "count": 1, "weights": "w/MolDiff.pt", "sha256": "0" * 64}
    settings = {"generators": config_of(**own)["generators"]}
    done = in_process.run("fetch_weights", "--output", "w.json", settings=settings)
    assert done.returncode == 1
    assert "generators.g: w/MolDiff.pt: not there; download MolDiff.pt" in done.stderr
    assert "https://drive.google.com/drive/folders/1zTrjVehEGTP7sN3DB5jaaUuMJ6Ah0-ps" in done.stderr
    (tmp_path / "w").mkdir()
    (tmp_path / "w/MolDiff.pt").write_text("x")
    settings["generators"]["g"]["sha256"] = sha256_of("w/MolDiff.pt")
    done = in_process.run("fetch_weights", "--output", "w.json", settings=settings)
    assert done.returncode == 0, done.stderr


def test_weights_of_mattergen_have_addresses_sizes_and_hashes():
    for name in weights.MATTERGEN:
        config, checkpoint = weights.downloads(name)
        assert checkpoint.path == f"weights/mattergen/{name}/checkpoints/last.ckpt"
        assert checkpoint.url.endswith(f"resolve/main/checkpoints/{name}/checkpoints/last.ckpt")
        assert 4e8 < checkpoint.bytes < 6e8
        assert len(checkpoint.sha256) == len(config.sha256) == 64
