"""Writes windows.json: recorded points and the Rips diagrams of their sliding windows, computed by GUDHI.

    python3 -m venv venv && venv/bin/pip install gudhi==3.13.0 numpy && venv/bin/python windows.py > windows.json

Three keys: a circle that grows, a circle that drowns in noise, and two circles side by side. Event times are irregular and
one key pauses for more than a window, so that windows differ in size and some do not exist.
"""

import json
import math
import random

import gudhi

SIZE_MS, SLIDE_MS = 10_000, 5_000
MAX_DIMENSION, MAX_EDGE_LENGTH = 2, 1.0
START_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
SECONDS = 60


def shape(key, seconds, draw):
    angle = draw.uniform(0, 2 * math.pi)
    if key == "growing":
        radius, centre, noise = 0.2 + 0.008 * seconds, 0.0, 0.02
    elif key == "drowning":
        radius, centre, noise = 0.5, 0.0, 0.005 * seconds
    else:
        radius, centre, noise = 0.35, draw.choice([-0.45, 0.45]), 0.02
    x = centre + radius * math.cos(angle) + draw.gauss(0, noise)
    y = radius * math.sin(angle) + draw.gauss(0, noise)
    return [round(x, 6), round(y, 6)]


def rows():
    draw = random.Random(20240101)
    result = []
    for key in ["growing", "drowning", "two"]:
        time = START_MS
        while time < START_MS + SECONDS * 1000:
            time += draw.randrange(100, 700)
            seconds = (time - START_MS) / 1000
            if key == "two" and 20 <= seconds < 37:
                continue
            result.append({"key": key, "timestamp": time, "point": shape(key, seconds, draw)})
    result.sort(key=lambda row: row["timestamp"])
    return result


def diagram(points):
    rips = gudhi.RipsComplex(points=points, max_edge_length=MAX_EDGE_LENGTH)
    tree = rips.create_simplex_tree(max_dimension=MAX_DIMENSION + 1)
    # Also the highest dimension of the complex: windows of few points have no simplex beyond it.
    persistence = tree.persistence(homology_coeff_field=2, min_persistence=0, persistence_dim_max=True)
    pairs = [
        [dimension, birth, None if death == math.inf else death]
        for dimension, (birth, death) in persistence
        if birth < death and dimension <= MAX_DIMENSION
    ]
    return sorted(pairs, key=lambda pair: (pair[0], pair[1], math.inf if pair[2] is None else pair[2]))


def windows(rows):
    clouds = {}
    for row in rows:
        start = row["timestamp"] // SLIDE_MS * SLIDE_MS
        while start + SIZE_MS > row["timestamp"]:
            clouds.setdefault((row["key"], start), []).append(row["point"])
            start -= SLIDE_MS
    return [
        {"key": key, "start": start, "end": start + SIZE_MS, "count": len(points), "pairs": diagram(points)}
        for (key, start), points in sorted(clouds.items())
    ]


recorded = rows()
document = {
    "producer": f"GUDHI {gudhi.__version__}",
    "size_ms": SIZE_MS,
    "slide_ms": SLIDE_MS,
    "max_dimension": MAX_DIMENSION,
    "max_edge_length": MAX_EDGE_LENGTH,
    "rows": recorded,
    "windows": windows(recorded),
}
print(json.dumps(document, separators=(",", ":")))
