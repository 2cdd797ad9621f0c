"""One computation by one peer, in a process of its own: peers.py PEER OPTIONS ANSWER.npz INPUT...

OPTIONS are JSON; inputs are arrays of NumPy. Imports, reading and writing are not measured; what is measured goes to
standard output as JSON, like `persistence --measure` does it, with the same clocks.
"""

import json
import pathlib
import sys
import time

import numpy

REPEAT_SECONDS = 0.5
MOST_REPEATS = 5


def status_bytes(name):
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.split(name)[1].split()[0])


def measured(compute):
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    resident = status_bytes("VmRSS:")
    wall, cpu = time.perf_counter(), time.process_time()
    answer = compute()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = max(0, status_bytes("VmHWM:") - resident)
    return answer, {"cpu_seconds": cpu, "wall_seconds": wall, "peak_bytes": peak}


def repeated(compute):
    """Short computations are repeated: the first pays for what a process does once."""
    answer, first = measured(compute)
    all_measured = [first]
    while len(all_measured) < MOST_REPEATS and sum(run["wall_seconds"] for run in all_measured) < REPEAT_SECONDS:
        all_measured.append(measured(compute)[1])
    return answer, all_measured


# --- Vietoris-Rips: each function prepares and returns what is measured; answers are lists of n x 2 arrays


def square(lower):
    from scipy.spatial.distance import squareform

    points = (1 + int((8 * lower.size + 1) ** 0.5)) // 2
    full = numpy.zeros((points, points))
    full[numpy.tril_indices(points, -1)] = lower
    assert squareform(full + full.T, checks=False).size == lower.size
    return full + full.T


def ripser(inputs, dimension, threshold=None, threads=1):
    import ripser as peer

    data = inputs[0]
    matrix = data.ndim == 1
    data = square(data) if matrix else data
    limit = numpy.inf if threshold is None else threshold
    return lambda: peer.ripser(data, maxdim=dimension, thresh=limit, distance_matrix=matrix)["dgms"]


def giotto(inputs, dimension, threshold=None, threads=1, collapse=False):
    from gph import ripser_parallel

    data = inputs[0]
    metric = "precomputed" if data.ndim == 1 else "euclidean"
    data = square(data) if data.ndim == 1 else data
    limit = numpy.inf if threshold is None else threshold
    return lambda: ripser_parallel(
        data, maxdim=dimension, thresh=limit, metric=metric, n_threads=threads, collapse_edges=collapse
    )["dgms"]


def gudhi_rips(inputs, dimension, threshold=None, threads=1, collapse=0):
    from gudhi.sklearn.rips_persistence import RipsPersistence

    data = inputs[0]
    kind = "full distance matrix" if data.ndim == 1 else "point cloud"
    data = square(data) if data.ndim == 1 else data
    peer = RipsPersistence(
        homology_dimensions=list(range(dimension + 1)),
        threshold=numpy.inf if threshold is None else threshold,
        input_type=kind,
        num_collapses=collapse,
        homology_coeff_field=2,
    )
    return lambda: peer.fit_transform([data])[0]


def windows(inputs, peer, size, slide, **options):
    """Every window anew, as all peers do it; the answer is that of all windows, one after the other."""
    rows = inputs[0]
    starts = range(0, len(rows) - size + 1, slide)
    computations = [PEERS[peer]([rows[start : start + size].copy()], **options) for start in starts]
    return lambda: [diagram for compute in computations for diagram in compute()]


# --- alpha: radii, not squared


def gudhi_alpha(inputs, threads=1):
    from gudhi import AlphaComplex

    points = inputs[0]
    dimension = points.shape[1]

    def compute():
        tree = AlphaComplex(points=points).create_simplex_tree(output_squared_values=False)
        tree.compute_persistence(homology_coeff_field=2)
        return [tree.persistence_intervals_in_dimension(k) for k in range(dimension)]

    return compute


def gudhi_cech(inputs, threads=1):
    from gudhi.sklearn.cech_persistence import CechPersistence

    points = inputs[0]
    peer = CechPersistence(
        homology_dimensions=list(range(points.shape[1])), homology_coeff_field=2, output_squared_values=False
    )
    return lambda: peer.fit_transform([points])[0]


def oineus_alpha(inputs, threads=1, dualize=False):
    import oineus

    points = inputs[0]
    dimension = points.shape[1]
    params = oineus.ReductionParams()
    params.n_threads = threads

    def compute():
        diagrams = oineus.compute_diagrams_alpha(points, params=params, dualize=dualize)
        # Squared values that are negative by rounding stand for 0.
        return [numpy.sqrt(numpy.maximum(numpy.asarray(diagrams.in_dimension(k)), 0)) for k in range(dimension)]

    return compute


# --- witness: squared values


def gudhi_witness(inputs, max_alpha_square, limit_dimension, strong=False, threads=1):
    import gudhi

    witnesses, landmarks = inputs
    peer = gudhi.EuclideanStrongWitnessComplex if strong else gudhi.EuclideanWitnessComplex

    def compute():
        tree = peer(witnesses=witnesses, landmarks=landmarks).create_simplex_tree(
            max_alpha_square=max_alpha_square, limit_dimension=limit_dimension
        )
        tree.compute_persistence(homology_coeff_field=2)
        return [tree.persistence_intervals_in_dimension(k) for k in range(limit_dimension)]

    return compute


# --- distances: a number


def gudhi_bottleneck(inputs, threads=1):
    import gudhi

    return lambda: gudhi.bottleneck_distance(*inputs)


def hera_bottleneck(inputs, threads=1):
    import gudhi.hera

    return lambda: gudhi.hera.bottleneck_distance(*inputs, delta=0.0)


def hera_wasserstein(inputs, order, ground, delta=0.01, threads=1):
    import gudhi.hera

    return lambda: gudhi.hera.wasserstein_distance(*inputs, order=order, internal_p=float(ground), delta=delta)


def pot_wasserstein(inputs, order, ground, threads=1):
    from gudhi.wasserstein import wasserstein_distance

    return lambda: wasserstein_distance(*inputs, order=order, internal_p=float(ground))


PEERS = {
    function.__name__: function
    for function in (
        ripser, giotto, gudhi_rips, windows, gudhi_alpha, gudhi_cech, oineus_alpha, gudhi_witness, gudhi_bottleneck,
        hera_bottleneck, hera_wasserstein, pot_wasserstein,
    )
}  # fmt: skip


def main():
    name, options, target, *paths = sys.argv[1:]
    compute = PEERS[name]([numpy.load(path) for path in paths], **json.loads(options))
    answer, all_measured = repeated(compute)
    if target != "-":
        arrays = [numpy.atleast_1d(numpy.asarray(part, dtype=float)) for part in answer] if isinstance(answer, (list, tuple)) else [numpy.array([float(answer)])]
        numpy.savez(target, *arrays)
    json.dump({"measured": all_measured}, sys.stdout)


if __name__ == "__main__":
    main()
