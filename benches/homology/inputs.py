"""The inputs: standard sets where they are, everything else by seed. All are float64 arrays in files of NumPy."""

import os
import pathlib
import zlib

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Absent(Exception):
    """A standard set is not on this machine, and cannot be generated."""


def standard(file):
    """An array of the collection of standard sets, which is not part of this project."""
    folder = pathlib.Path(os.environ.get("BETTIFLOW_BENCH_DATA") or ROOT / "../shared/bench/tda/data")
    path = folder / file
    if not path.is_file():
        raise Absent(f"{file} is not in {folder}; name its folder in BETTIFLOW_BENCH_DATA")
    # Single precision is exact in double precision: every contestant sees the same numbers.
    return numpy.load(path).astype(numpy.float64)


def random(name):
    """Every input has a generator of its own, so that one more input changes no other."""
    return numpy.random.default_rng(list(name.encode()))


def uniform(name, points, dimension):
    return random(name).random((points, dimension))


def clifford(name, points):
    angles = random(name).uniform(0, 2 * numpy.pi, (points, 2))
    return numpy.column_stack([numpy.cos(angles), numpy.sin(angles)]) / numpy.sqrt(2)


def torus(name, points):
    """On a torus in space, radii 1 and 0.5."""
    around, across = random(name).uniform(0, 2 * numpy.pi, (2, points))
    ring = 1 + 0.5 * numpy.cos(across)
    return numpy.column_stack([ring * numpy.cos(around), ring * numpy.sin(around), 0.5 * numpy.sin(across)])


def delay_embedding(name, points, dimension):
    """Delay vectors of a periodic signal with a little noise: a circle of points, whose one long class is hard to find."""
    lag, period = 12, 97.3
    time = numpy.arange(points + lag * (dimension - 1))
    signal = numpy.sin(2 * numpy.pi * time / period) + random(name).normal(0, 0.02, time.size)
    return numpy.lib.stride_tricks.sliding_window_view(signal, lag * (dimension - 1) + 1)[:, ::lag].copy()


def breathing_loop(name, rows, dimension):
    """A stream of points around a loop that grows and shrinks; for sliding windows."""
    generator = random(name)
    angle = generator.uniform(0, 2 * numpy.pi, rows)
    radius = 1 + 0.5 * numpy.sin(2 * numpy.pi * numpy.arange(rows) / 700)
    points = generator.normal(0, 0.12, (rows, dimension))
    points[:, 0] += radius * numpy.cos(angle)
    points[:, 1] += radius * numpy.sin(angle)
    return points


def noise_diagram(name, pairs):
    """Many short classes and a few long ones, as diagrams of noise with a signal have."""
    generator = random(name)
    births = generator.random(pairs)
    lengths = generator.exponential(0.02, pairs)
    lengths[: max(1, pairs // 100)] += 0.3
    return numpy.column_stack([births, births + lengths])


def spread_diagram(name, pairs):
    """Classes of all lengths, evenly: most are better matched with each other than with the diagonal."""
    generator = random(name)
    births, lengths = generator.random((2, pairs))
    return numpy.column_stack([births, births + lengths])


def landmarks_of(cloud, count):
    """Max-min landmarks from row 0."""
    chosen, nearest = [0], numpy.full(len(cloud), numpy.inf)
    for _ in range(count - 1):
        nearest = numpy.minimum(nearest, ((cloud - cloud[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(nearest.argmax()))
    return cloud[chosen]


class Store:
    """Writes each input once, into a folder that may be deleted at any time. Another generator is another folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / f"{zlib.crc32(pathlib.Path(__file__).read_bytes()):08x}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, name, make):
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            array = numpy.ascontiguousarray(make(), dtype=numpy.float64)
            unfinished = path.with_suffix(".unfinished.npy")
            numpy.save(unfinished, array)
            unfinished.rename(path)
        return path
