"""Devices: what is there, what ran out, and what went away."""

import logging

import pytest
import torch

from limbeck.errors import LimbeckError
from limbeck.potentials.devices import lost, out_of_memory, present


@pytest.mark.parametrize("there", [True, False])
def test_a_gpu_that_is_there_or_not(monkeypatch, caplog, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert present("cpu", "stop") == "cpu"
    if there:
        assert present("cuda", "stop") == present("cuda:1", "cpu")[:4] == "cuda"
        return
    with pytest.raises(LimbeckError, match="device: cuda was asked for, but torch finds no GPU"):
        present("cuda", "stop")
    with caplog.at_level(logging.WARNING):
        assert present("cuda", "cpu") == "cpu"
    assert "cuda is not there; going on with the CPU" in caplog.text


MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuBLAS error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate"),
]
GONE = [
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("No CUDA GPUs are available"),
    torch.AcceleratorError("CUDA error: the launch timed out"),
]
OTHER = [
    ValueError("out of memory"),  # of something else's
    RuntimeError("size mismatch"),
    KeyError("CUDA error"),
]


@pytest.mark.parametrize("error", [*MEMORY, *GONE, *OTHER], ids=lambda e: str(e)[:30] or "memory")
def test_kinds_of_errors_are_told_apart(error):
    assert out_of_memory(error) == (error in MEMORY)
    assert lost(error) == (error in GONE)


def test_a_real_lack_of_memory_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
