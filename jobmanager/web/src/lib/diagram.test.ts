import { expect, test } from 'vitest';
import type { Diagram, Pair } from './api';
import { barcode, betti, bettiSteps, collect, domain, linear, longestLife, marks, nearest, shareOut, steady, summaries, ticks } from './diagram';

// A circle's diagram: points that merge into one component, one loop, twice the same short-living loop.
const circle: Pair[] = [[0, 0, 0.2], [0, 0, 0.2], [0, 0, 0.3], [0, 0, null], [1, 0.3, 0.9], [1, 0.35, 0.4], [1, 0.35, 0.4]];

test('equal pairs become one mark and the longest-living comes first', () => {
  expect(marks(circle)).toEqual([
    { dimension: 0, birth: 0, death: null, multiplicity: 1 },
    { dimension: 0, birth: 0, death: 0.3, multiplicity: 1 },
    { dimension: 0, birth: 0, death: 0.2, multiplicity: 2 },
    { dimension: 1, birth: 0.3, death: 0.9, multiplicity: 1 },
    { dimension: 1, birth: 0.35, death: 0.4, multiplicity: 2 },
  ]);
});

test('the domain ends at a round value above all finite ones', () => {
  expect(domain(circle)).toEqual({ low: 0, high: 1 });
  expect(domain([[0, 0, 87.3]])).toEqual({ low: 0, high: 100 });
  expect(domain([[0, -0.31, 0.2]]).low).toBeLessThanOrEqual(-0.31);
});

test('a diagram of essential classes at zero, or of nothing, still has a domain', () => {
  expect(domain([])).toEqual({ low: 0, high: 1 });
  expect(domain([[0, 0, null]])).toEqual({ low: 0, high: 1 });
});

test('axes grow at once but do not shrink for a little room', () => {
  const wide = { low: 0, high: 1 };
  expect(steady(wide, { low: 0, high: 0.8 })).toBe(wide);
  expect(steady(wide, { low: 0, high: 0.4 })).toEqual({ low: 0, high: 0.4 });
  expect(steady(wide, { low: 0, high: 1.2 })).toEqual({ low: 0, high: 1.2 });
  expect(steady(null, wide)).toBe(wide);
});

test('ticks are round and inside the domain', () => {
  expect(ticks({ low: 0, high: 1 })).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks({ low: -0.3, high: 0.3 }, 6)).toEqual([-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3].map((value) => value));
  expect(ticks({ low: 0, high: 0.0007 })[1]).toBe(0.0002);
});

test('a linear map may run downwards', () => {
  const y = linear({ low: 0, high: 2 }, 100, 0);
  expect([y(0), y(1), y(2)]).toEqual([100, 50, 0]);
});

test('a Betti number counts classes born by a scale that die after it', () => {
  const all = marks(circle);
  expect([0, 0.2, 0.3, 5].map((at) => betti(all, 0, at))).toEqual([4, 2, 1, 1]);
  expect([0.29, 0.3, 0.35, 0.4, 0.9].map((at) => betti(all, 1, at))).toEqual([0, 1, 3, 1, 0]);
});

test('the steps of the Betti curve agree with the Betti numbers', () => {
  const all = marks(circle);
  for (const dimension of [0, 1]) for (const step of bettiSteps(all, dimension)) expect(step.alive).toBe(betti(all, dimension, step.at));
});

test('a summary counts every pair, essential ones apart', () => {
  const [h0, h1] = summaries(marks(circle));
  expect(h0).toMatchObject({ dimension: 0, classes: 4, essential: 1, peak: 4, longest: 0.3 });
  expect(h0!.total).toBeCloseTo(0.7);
  expect(h1).toMatchObject({ classes: 3, essential: 0, peak: 3 });
  expect(summaries(marks([[0, 0, null]]))[0]!.longest).toBeNull();
});

test('a barcode shows every bar when there is room, grouped by dimension and ordered by birth', () => {
  const code = barcode(marks(circle), 50);
  expect(code.rows).toBe(5);
  expect(code.groups).toEqual([{ dimension: 0, first: 0, rows: 3, left: 0 }, { dimension: 1, first: 3, rows: 2, left: 0 }]);
  expect(code.bars.map((bar) => bar.death)).toEqual([0.2, 0.3, null, 0.9, 0.4]);
});

test('a crowded dimension loses its shortest bars, not the other dimension', () => {
  const many: Pair[] = Array.from({ length: 100 }, (_, i) => [0, 0, i + 1]);
  const code = barcode(marks([...many, [1, 5, 6]]), 11);
  expect(code.groups).toEqual([{ dimension: 0, first: 0, rows: 10, left: 90 }, { dimension: 1, first: 10, rows: 1, left: 0 }]);
  expect(code.bars[0]!.death).toBe(91);
});

test('shares are fair and never more than what is needed', () => {
  expect(shareOut([100, 3, 50], 30)).toEqual([14, 3, 13]);
  expect(shareOut([2, 2], 30)).toEqual([2, 2]);
  expect(shareOut([], 30)).toEqual([]);
});

test('the longest life is that of a finite class of the dimension', () => {
  expect(longestLife(circle, 0)).toBe(0.3);
  expect(longestLife(circle, 1)).toBeCloseTo(0.6);
  expect(longestLife(circle, 2)).toBe(0);
});

test('a diagram sent again is kept as the same object, one that late points changed is replaced', () => {
  const sent = (death: number): Diagram => ({ vertex: 'v', operator: 'persistence', key: 'k', start: 0, end: 10, count: 1, pairs: [[0, 0, death]] });
  const first = collect([], [sent(1)]);
  expect(collect(first, [sent(1)])[0]!.diagrams[0]).toBe(first[0]!.diagrams[0]);
  expect(collect(first, [sent(2)])[0]!.diagrams.map((one) => one.pairs)).toEqual([[[0, 0, 2]]]);
});

test('the nearest point within reach is found', () => {
  const points = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 11, y: 0 }];
  expect(nearest(points, 10.8, 0, 5)).toBe(2);
  expect(nearest(points, 30, 0, 5)).toBe(-1);
});

test('a quiet key stays when busier keys fill the answer, and windows are not repeated', () => {
  const diagram = (key: string, start: number): Diagram => ({ vertex: 'v', operator: 'persistence', key, start, end: start + 10, count: 1, pairs: [] });
  const first = collect([], [diagram('busy', 10), diagram('quiet', 0)]);
  const later = collect(first, [diagram('busy', 20), diagram('busy', 10)]);
  expect(later.map((series) => [series.key, series.diagrams.map((one) => one.start)])).toEqual([['busy', [20, 10]], ['quiet', [0]]]);
  const full = collect(later, Array.from({ length: 90 }, (_, i) => diagram('busy', 30 + i)));
  expect(full[0]!.diagrams).toHaveLength(40);
  expect(full[0]!.diagrams[0]!.start).toBe(119);
});
