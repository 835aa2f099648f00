"""In place of torch, which takes seconds to import: what scripts and stand-ins call, with numpy."""

import pickle

import numpy as np

THREADS = []


def manual_seed(seed):
    np.random.seed(seed)


def set_num_threads(threads):
    THREADS.append(threads)


def save(value, path):
    with open(path, "wb") as file:
        pickle.dump(value, file)


def load(path, map_location=None, weights_only=None):
    with open(path, "rb") as file:
        return pickle.load(file)
