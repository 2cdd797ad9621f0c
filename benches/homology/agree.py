"""Whether two answers are the same."""

import numpy
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import cKDTree


def same_diagram(ours, theirs, tolerance):
    """None if the essential births are within `tolerance` and the finite parts within that bottleneck distance; else a
    sentence. Exact: no distance is computed, only whether it is at most `tolerance`."""
    ours, theirs = clean(ours), clean(theirs)
    births = [numpy.sort(diagram[numpy.isinf(diagram[:, 1]), 0]) for diagram in (ours, theirs)]
    if births[0].size != births[1].size:
        return f"{births[0].size} classes never die, {births[1].size} at the peer"
    if births[0].size and numpy.abs(births[0] - births[1]).max() > tolerance:
        return "classes that never die are born elsewhere"
    ours, theirs = (diagram[numpy.isfinite(diagram[:, 1])] for diagram in (ours, theirs))
    if are_near_in_order(ours, theirs, tolerance):
        return None
    if not covers_long(ours, theirs, tolerance) or not covers_long(theirs, ours, tolerance):
        return f"{len(ours)} finite classes, {len(theirs)} at the peer, farther apart than {tolerance:g}"
    return None


def are_near_in_order(ours, theirs, tolerance):
    """The cheap case: the k-th class of one is near the k-th of the other."""
    if len(ours) != len(theirs):
        return False
    ordered = [diagram[numpy.lexsort((diagram[:, 1], diagram[:, 0]))] for diagram in (ours, theirs)]
    return not len(ours) or numpy.abs(ordered[0] - ordered[1]).max() <= tolerance


def clean(diagram):
    diagram = numpy.asarray(diagram, dtype=float).reshape(-1, 2)
    return diagram[diagram[:, 0] != diagram[:, 1]]


def covers_long(ours, theirs, tolerance):
    """Whether all of `ours` that are farther than `tolerance` from the diagonal can be matched into `theirs`. If that
    holds on both sides, one matching does both (Mendelsohn and Dulmage)."""
    long = ours[ours[:, 1] - ours[:, 0] > 2 * tolerance]
    if not len(long):
        return True
    if not len(theirs):
        return False
    near = cKDTree(long).sparse_distance_matrix(cKDTree(theirs), tolerance, p=numpy.inf, output_type="ndarray")
    # A distance of 0 is an edge like any other.
    edges = (numpy.ones(len(near)), (near["i"], near["j"]))
    graph = coo_matrix(edges, shape=(len(long), len(theirs))).tocsr()
    return bool((maximum_bipartite_matching(graph, perm_type="column") >= 0).all())


def same_diagrams(ours, theirs, tolerance):
    if len(ours) != len(theirs):
        return f"{len(ours)} diagrams, {len(theirs)} at the peer"
    for at, (a, b) in enumerate(zip(ours, theirs)):
        problem = same_diagram(a, b, tolerance)
        if problem:
            return f"diagram {at}: {problem}"
    return None


def same_value(ours, theirs, tolerance):
    """`tolerance` is relative."""
    a, b = float(ours[0][0]), float(theirs[0][0])
    if a == b or abs(a - b) <= tolerance * max(abs(a), abs(b)):
        return None
    return f"{a:.12g}, {b:.12g} at the peer"
