/** Geometry and summaries of persistence diagrams. Pure; drawing is the business of the components. */

import type { Diagram, Pair } from './api';

/** Equal pairs of a diagram, drawn as one mark. */
export interface Mark {
  dimension: number;
  birth: number;
  /** null: essential, the class never dies. */
  death: number | null;
  multiplicity: number;
}

/** How long a class lives; an essential one forever. */
export const persistence = (mark: Pick<Mark, 'birth' | 'death'>) => (mark.death === null ? Infinity : mark.death - mark.birth);

/** Equal pairs joined, ordered by dimension, then the longest-living first. */
export function marks(pairs: readonly Pair[]): Mark[] {
  const joined = new Map<string, Mark>();
  for (const [dimension, birth, death] of pairs) {
    const name = `${dimension} ${birth} ${death}`;
    const mark = joined.get(name);
    if (mark) mark.multiplicity += 1;
    else joined.set(name, { dimension, birth, death, multiplicity: 1 });
  }
  return [...joined.values()].sort((a, b) => a.dimension - b.dimension || longestFirst(a, b) || a.birth - b.birth);
}

function longestFirst(a: Mark, b: Mark): number {
  const [x, y] = [persistence(a), persistence(b)];
  return x === y ? 0 : y - x;
}

export interface Domain {
  low: number;
  high: number;
}

/** The finite values of a diagram, from 0 on unless some are negative, with a round upper end. */
export function domain(pairs: readonly Pair[]): Domain {
  let [low, high] = [0, 0];
  for (const [, birth, death] of pairs) {
    low = Math.min(low, birth, death ?? birth);
    high = Math.max(high, birth, death ?? birth);
  }
  if (high === low) return { low, high: low + 1 };
  const step = niceStep((high - low) / 8);
  return { low: Math.floor(low / step) * step, high: roundUp(high * 1.02, step) };
}

const roundUp = (value: number, step: number) => Number((Math.ceil(value / step) * step).toPrecision(12));

/** Grows at once and shrinks only when much room is left, so that axes stand still while a window slides. */
export function steady(previous: Domain | null, next: Domain): Domain {
  if (!previous) return next;
  const span = previous.high - previous.low;
  const isWithin = next.low >= previous.low && next.high <= previous.high;
  return isWithin && next.high - next.low > 0.6 * span ? previous : next;
}

/** 1, 2 or 5 times a power of ten, not below `rough`. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** Round values over a domain, about `wanted` of them. */
export function ticks({ low, high }: Domain, wanted = 5): number[] {
  const step = niceStep((high - low) / wanted);
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** A linear map of the domain onto `from`..`to` pixels. */
export const linear = ({ low, high }: Domain, from: number, to: number) => (value: number) => from + ((value - low) / (high - low)) * (to - from);

export interface Bar extends Mark {
  /** Row from the top. */
  row: number;
}

export interface Barcode {
  bars: Bar[];
  /** Rows taken by each dimension, in order. */
  groups: { dimension: number; first: number; rows: number; left: number }[];
  rows: number;
}

/**
 * At most about `limit` bars: the longest of each dimension, shared out so that a crowded dimension does not push out a
 * sparse one; within a dimension by birth. `left` counts the bars that had no room.
 */
export function barcode(all: readonly Mark[], limit: number): Barcode {
  const byDimension = new Map<number, Mark[]>();
  for (const mark of all) byDimension.set(mark.dimension, [...(byDimension.get(mark.dimension) ?? []), mark]);
  const shares = shareOut([...byDimension.values()].map((group) => group.length), limit);
  const code: Barcode = { bars: [], groups: [], rows: 0 };
  [...byDimension].forEach(([dimension, group], i) => {
    const shown = [...group].sort(longestFirst).slice(0, shares[i]).sort((a, b) => a.birth - b.birth || longestFirst(b, a));
    code.groups.push({ dimension, first: code.rows, rows: shown.length, left: group.length - shown.length });
    for (const mark of shown) code.bars.push({ ...mark, row: code.rows++ });
  });
  return code;
}

/** Fair shares of `limit`: nobody gets more than it needs, what is left goes to those who need more. */
export function shareOut(needs: readonly number[], limit: number): number[] {
  const shares = needs.map(() => 0);
  let open = needs.map((_, i) => i).sort((a, b) => needs[a]! - needs[b]!);
  let left = limit;
  while (open.length > 0) {
    const [least, ...others] = open as [number, ...number[]];
    shares[least] = Math.min(needs[least]!, Math.max(1, Math.floor(left / open.length)));
    left = Math.max(0, left - shares[least]!);
    open = others;
  }
  return shares;
}

/** Betti number of one dimension at a scale: classes born at or before it that die after it. */
export function betti(all: readonly Mark[], dimension: number, at: number): number {
  let alive = 0;
  for (const mark of all) if (mark.dimension === dimension && mark.birth <= at && (mark.death === null || mark.death > at)) alive += mark.multiplicity;
  return alive;
}

/** The Betti curve as its steps: from each `at` on, `alive` classes. */
export function bettiSteps(all: readonly Mark[], dimension: number): { at: number; alive: number }[] {
  const changes = new Map<number, number>();
  const change = (at: number, by: number) => changes.set(at, (changes.get(at) ?? 0) + by);
  for (const mark of all) {
    if (mark.dimension !== dimension) continue;
    change(mark.birth, mark.multiplicity);
    if (mark.death !== null) change(mark.death, -mark.multiplicity);
  }
  let alive = 0;
  return [...changes].sort(([a], [b]) => a - b).map(([at, by]) => ({ at, alive: (alive += by) }));
}

export interface Summary {
  dimension: number;
  classes: number;
  essential: number;
  /** Largest number of classes alive at one scale. */
  peak: number;
  /** Longest finite life; null without a finite class. */
  longest: number | null;
  /** Sum of all finite lives. */
  total: number;
}

/** One line per homology dimension. */
export function summaries(all: readonly Mark[]): Summary[] {
  return [...new Set(all.map((mark) => mark.dimension))].map((dimension) => {
    const group = all.filter((mark) => mark.dimension === dimension);
    const finite = group.filter((mark) => mark.death !== null);
    const size = (some: Mark[]) => some.reduce((sum, mark) => sum + mark.multiplicity, 0);
    return {
      dimension,
      classes: size(group),
      essential: size(group) - size(finite),
      peak: Math.max(0, ...bettiSteps(all, dimension).map((step) => step.alive)),
      longest: finite.length === 0 ? null : Math.max(...finite.map(persistence)),
      total: finite.reduce((sum, mark) => sum + persistence(mark) * mark.multiplicity, 0),
    };
  });
}

/** Longest finite life of a class of one dimension; 0 without any. */
export function longestLife(pairs: readonly Pair[], dimension: number): number {
  let longest = 0;
  for (const [of, birth, death] of pairs) if (of === dimension && death !== null) longest = Math.max(longest, death - birth);
  return longest;
}

/** Index of the point nearest to `(x, y)` and not farther than `radius`; -1 if there is none. */
export function nearest(points: readonly { x: number; y: number }[], x: number, y: number, radius: number): number {
  let [best, bestSquared] = [-1, radius * radius];
  points.forEach((point, i) => {
    const squared = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (squared <= bestSquared) [best, bestSquared] = [i, squared];
  });
  return best;
}

/** The diagrams of one key of one operator, newest first. */
export interface Series {
  name: string;
  operator: string;
  key: string;
  diagrams: Diagram[];
}

const KEEP_DIAGRAMS = 40;
const KEEP_SERIES = 500;

/**
 * Merges an answer into what was seen before, so that a quiet key does not vanish when busier keys fill the answer.
 * Series stay in order of first appearance; both their number and their length are bounded.
 */
export function collect(seen: readonly Series[], answer: readonly Diagram[]): Series[] {
  const series = new Map(seen.map((one) => [one.name, { ...one, diagrams: [...one.diagrams] }]));
  for (const diagram of answer) {
    const name = `${diagram.vertex}/${diagram.operator}/${diagram.key}`;
    const one = series.get(name) ?? { name, operator: diagram.operator, key: diagram.key, diagrams: [] };
    const same = one.diagrams.findIndex((other) => isSameWindow(other, diagram));
    if (same < 0) one.diagrams.push(diagram);
    // A diagram that is merely sent again stays the same object, so that nothing is drawn anew.
    else if (!hasSamePairs(one.diagrams[same]!, diagram)) one.diagrams[same] = diagram;
    series.set(name, one);
  }
  for (const one of series.values()) {
    one.diagrams.sort((a, b) => b.end - a.end || b.start - a.start);
    one.diagrams.length = Math.min(one.diagrams.length, KEEP_DIAGRAMS);
  }
  return [...series.values()].slice(-KEEP_SERIES);
}

export const isSameWindow = (a: Diagram, b: Diagram) => a.start === b.start && a.end === b.end;

const hasSamePairs = (a: Diagram, b: Diagram) =>
  a.pairs.length === b.pairs.length && a.pairs.every((pair, i) => pair.every((value, j) => value === b.pairs[i]![j]));
