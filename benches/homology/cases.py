"""What is computed, by whom, and what we want to reach: `Goal`s are ratios to the best mode of the best peer."""

import dataclasses
from collections.abc import Callable

import inputs

# Single precision of inputs whose coordinates are about 1.
SINGLE = 2e-6
DOUBLE = 1e-9


@dataclasses.dataclass(frozen=True)
class Peer:
    """`function` in peers.py; `tolerance` is what its precision allows."""

    name: str
    function: str
    options: dict
    tolerance: float = DOUBLE
    # Whether it has more than one thread to offer.
    threads: bool = False


@dataclasses.dataclass(frozen=True)
class Goal:
    """Each number is an upper bound; None is no goal."""

    cpu_ratio: float | None = None
    wall_ratio_all_threads: float | None = None
    cpu_seconds: float | None = None
    wall_seconds_all_threads: float | None = None
    megabytes: float | None = None


@dataclasses.dataclass(frozen=True)
class Case:
    group: str
    name: str
    # File name and generator of each input.
    files: list[tuple[str, Callable]]
    # Our command line; {0}, {1} are the files.
    command: str
    peers: list[Peer]
    goal: Goal = Goal()
    # Part of --quick: seconds, not minutes.
    quick: bool = False
    # What the figures are divided by: windows per run.
    steps: int = 1
    # What the answer is: diagrams, windows or value.
    answer: str = "diagrams"


# --- Vietoris-Rips

DIMENSIONS = "Rips, dimension 2 and up"
SPACE = "Rips H1, R² and R³"
HIGH = "Rips H1, R⁴ and up, matrices"
RIPS = (DIMENSIONS, SPACE, HIGH)


def rips_peers(dimension, threshold, collapse=True):
    options = {"dimension": dimension, "threshold": threshold}
    peers = [
        Peer("ripser.py", "ripser", options, SINGLE),
        Peer("giotto-ph", "giotto", options, SINGLE, threads=True),
        Peer("GUDHI", "gudhi_rips", options | {"collapse": 0}),
    ]
    if collapse:
        peers.append(Peer("GUDHI, collapse", "gudhi_rips", options | {"collapse": 1}))
        peers.append(Peer("giotto-ph, collapse", "giotto", options | {"collapse": True}, SINGLE, threads=True))
    return peers


def rips(group, name, make, dimension, threshold=None, goal=Goal(), quick=False, collapse=True, matrix=False):
    command = f"rips {{0}} --max-dimension {dimension}"
    command += "" if threshold is None else f" --threshold {threshold}"
    command += " --kind distance-matrix" if matrix else ""
    label = f"{name}, {dimension}" + ("" if threshold is None else f", {threshold}")
    peers = rips_peers(dimension, threshold, collapse)
    return Case(group, label, [(name, make)], command, peers, goal, quick)


def standard(file):
    return lambda: inputs.standard(file)


def rips_cases():
    each = Goal(cpu_ratio=0.8, wall_ratio_all_threads=0.15)
    record = Goal(cpu_ratio=0.02)
    high = Goal(cpu_ratio=0.1)
    return [
        rips(DIMENSIONS, "sphere_3_192", standard("sphere_3_192.npy"), 2, goal=each, quick=True),
        rips(DIMENSIONS, "random16_50", standard("random16_50.npy"), 7, goal=each),
        rips(DIMENSIONS, "fractal_r_512", standard("fractal_r_512_lower_f32.npy"), 2, goal=each, matrix=True),
        rips(DIMENSIONS, "o3_1024", standard("o3_1024.npy"), 3, 1.8, each),
        rips(DIMENSIONS, "uniform3_300", lambda: inputs.uniform("uniform3_300", 300, 3), 2, goal=each, quick=True),
        rips(DIMENSIONS, "torus3_1500", lambda: inputs.torus("torus3_1500", 1500), 2, 0.9, each),
        rips(DIMENSIONS, "clifford_2000", lambda: inputs.clifford("clifford_2000", 2000), 2, 0.6, each),
        rips(DIMENSIONS, "o3_4096", standard("o3_4096.npy"), 3, 1.4, each),
        rips(DIMENSIONS, "torus4_50000", standard("torus4_50000_f32.npy"), 2, 0.15, each),
        rips(SPACE, "dragon_2000", standard("dragon_2000.npy"), 1, goal=Goal(cpu_ratio=0.08)),
        rips(SPACE, "uniform3_1000", lambda: inputs.uniform("uniform3_1000", 1000, 3), 1, quick=True),
        rips(SPACE, "uniform2_5000", lambda: inputs.uniform("uniform2_5000", 5000, 2), 1, goal=record),
        alone(SPACE, "uniform2_100000", lambda: inputs.uniform("uniform2_100000", 100_000, 2), Goal(cpu_seconds=3.0)),
        alone(SPACE, "uniform3_100000", lambda: inputs.uniform("uniform3_100000", 100_000, 3), Goal(cpu_seconds=3.0)),
        alone(
            SPACE,
            "uniform2_1000000",
            lambda: inputs.uniform("uniform2_1000000", 1_000_000, 2),
            Goal(wall_seconds_all_threads=40.0, megabytes=3000),
        ),
        rips(HIGH, "delay8_800", lambda: inputs.delay_embedding("delay8_800", 800, 8), 1, goal=high),
        rips(
            HIGH,
            "clifford_2000",
            lambda: inputs.clifford("clifford_2000", 2000),
            1,
            goal=Goal(cpu_ratio=0.1, megabytes=200),
        ),
    ]


def alone(group, name, make, goal):
    """H1 where no released peer can run at all."""
    return Case(group, f"{name}, 1", [(name, make)], "rips {0} --max-dimension 1", [], goal)


# --- alpha, witness

ALPHA = "alpha"
WITNESS = "witness"


def alpha_cases():
    def case(points, dimension, goal, quick=False):
        name = f"uniform{dimension}_{points}"
        peers = [
            Peer("GUDHI", "gudhi_alpha", {}),
            Peer("GUDHI, Čech", "gudhi_cech", {}),
            Peer("Oineus", "oineus_alpha", {}, threads=True),
            Peer("Oineus, dual", "oineus_alpha", {"dualize": True}, threads=True),
        ]
        files = [(name, lambda: inputs.uniform(name, points, dimension))]
        return Case(ALPHA, f"alpha R{'²³'[dimension - 2]}, {points}", files, "alpha {0}", peers, goal, quick=quick)

    return [
        case(10_000, 2, Goal(cpu_ratio=0.3), quick=True),
        case(10_000, 3, Goal(cpu_ratio=0.25), quick=True),
        case(100_000, 2, Goal(cpu_ratio=0.3)),
        case(100_000, 3, Goal(cpu_ratio=0.25)),
        case(1_000_000, 2, Goal(cpu_ratio=0.3, cpu_seconds=2.0, megabytes=3000)),
        case(1_000_000, 3, Goal(cpu_ratio=0.25, cpu_seconds=30.0, megabytes=3000)),
    ]


def witness_cases():
    goal = Goal(cpu_ratio=0.1, wall_ratio_all_threads=0.03)

    def case(witnesses, landmarks, max_alpha_square, quick=False):
        cloud = f"torus3_{witnesses}"
        files = [
            (cloud, lambda: inputs.torus(cloud, witnesses)),
            (f"{cloud}_{landmarks}", lambda: inputs.landmarks_of(inputs.torus(cloud, witnesses), landmarks)),
        ]
        options = {"max_alpha_square": max_alpha_square, "limit_dimension": 2}
        command = f"witness {{0}} --landmarks {{1}} --max-alpha-square {max_alpha_square} --limit-dimension 2"
        label = f"{witnesses} witnesses, {landmarks} landmarks, α² {max_alpha_square}"
        return Case(WITNESS, label, files, command, [Peer("GUDHI", "gudhi_witness", options)], goal, quick=quick)

    return [case(10_000, 100, 0.05, quick=True), case(100_000, 100, 0.05), case(100_000, 200, 1.0)]


# --- sliding windows

SLIDING = "sliding windows, per step"


def window_cases():
    """The first window of each run is computed from nothing by us, too, and counts as a step like all others."""

    def rips_case(size, slide, dimension, steps, ratio, quick=False):
        rows = size + slide * (steps - 1)
        name = f"loop3_{rows}_of_{size}"
        options = {"size": size, "slide": slide, "dimension": dimension}
        peers = [
            Peer("ripser.py", "windows", options | {"peer": "ripser"}, SINGLE),
            Peer("GUDHI", "windows", options | {"peer": "gudhi_rips"}),
            Peer("GUDHI, collapse", "windows", options | {"peer": "gudhi_rips", "collapse": 1}),
            Peer("giotto-ph", "windows", options | {"peer": "giotto"}, SINGLE, threads=True),
        ]
        command = f"window {{0}} --size {size} --slide {slide} --max-dimension {dimension}"
        files = [(name, lambda: inputs.breathing_loop(name, rows, 3))]
        label = f"Rips, {size} points, slide {slide}, dimension {dimension}"
        goal = Goal(cpu_ratio=ratio)
        return Case(SLIDING, label, files, command, peers, goal, quick=quick, steps=steps, answer="windows")

    def alpha_case(size, slide, dimension, quick=False):
        steps = 20
        rows = size + slide * (steps - 1)
        name = f"loop{dimension}_{rows}_of_{size}"
        options = {"size": size, "slide": slide}
        peers = [
            Peer("GUDHI", "windows", options | {"peer": "gudhi_alpha"}),
            Peer("Oineus", "windows", options | {"peer": "oineus_alpha"}),
        ]
        command = f"window {{0}} --size {size} --slide {slide} --max-dimension {dimension - 1} --complex alpha"
        files = [(name, lambda: inputs.breathing_loop(name, rows, dimension))]
        label = f"alpha R{'²³'[dimension - 2]}, {size} points, slide {slide}"
        return Case(SLIDING, label, files, command, peers, Goal(cpu_ratio=0.25), quick=quick, steps=steps, answer="windows")

    return [
        rips_case(100, 10, 1, 100, 0.25, quick=True),
        rips_case(400, 10, 1, 60, 0.08, quick=True),
        rips_case(400, 1, 1, 200, 0.02),
        rips_case(100, 10, 2, 40, 0.4),
        rips_case(400, 10, 2, 12, 0.15),
        alpha_case(1000, 100, 2, quick=True),
        alpha_case(10_000, 100, 2),
        alpha_case(1000, 100, 3),
    ]


# --- distances

DISTANCES = "distances"


def distance_cases():
    kinds = {"noise": inputs.noise_diagram, "spread": inputs.spread_diagram}

    def case(label, kind, pairs, metric, peers, ratio, quick=False):
        names = [f"{kind}_{side}_{pairs}" for side in "ab"]
        files = [(name, lambda name=name: kinds[kind](name, pairs)) for name in names]
        command = f"distance {{0}} {{1}} --metric {metric}"
        label = f"{label}, {pairs} {kind}"
        return Case(DISTANCES, label, files, command, peers, Goal(cpu_ratio=ratio), quick, answer="value")

    cases = []
    for pairs, kind in [(1000, "noise"), (1000, "spread"), (10_000, "noise"), (10_000, "spread")]:
        quick = pairs == 1000
        exact = [Peer("GUDHI", "gudhi_bottleneck", {}), Peer("Hera", "hera_bottleneck", {})]
        cases.append(case("bottleneck", kind, pairs, "bottleneck", exact, 0.2, quick))
        for order in (1, 2):
            # Both sides promise 1 %: their answers may be that far apart on either side.
            options = {"order": order, "ground": 2}
            within = [Peer("Hera, 1 %", "hera_wasserstein", options, tolerance=0.02)]
            metric = f"wasserstein --order {order} --ground 2 --tolerance 0.01"
            cases.append(case(f"W{order} within 1 %", kind, pairs, metric, within, 0.33, quick))
        exact = [Peer("POT", "pot_wasserstein", {"order": 2, "ground": 2}, tolerance=1e-7)]
        ratio = 0.5 if pairs == 1000 else None
        cases.append(case("W2 exact", kind, pairs, "wasserstein --order 2 --ground 2", exact, ratio, quick))
    return cases


def all_cases():
    return rips_cases() + alpha_cases() + witness_cases() + window_cases() + distance_cases()
