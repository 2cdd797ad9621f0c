/**
 * Layered layout of the job graph. Pure.
 *
 * Layers by longest path from the sources; order within a layer by repeated barycentres (Sugiyama, Tagawa, Toda 1981);
 * an edge over several layers gets a bend in each layer it crosses, so that it does not run through boxes.
 */

export interface Edge {
  from: string;
  to: string;
  label: string;
}

export type Direction = 'right' | 'down';

export interface Options {
  direction: Direction;
  width: number;
  height: number;
  /** Room between two layers. */
  layerGap: number;
  /** Room between two boxes of a layer. */
  gap: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  width: number;
  height: number;
  /** Upper left corners. */
  boxes: Map<string, Point>;
  edges: (Edge & { points: Point[] })[];
}

/** A place in a layer: a box, or the bend of a long edge. */
interface Seat {
  name: string;
  isBend: boolean;
  layer: number;
  before: Seat[];
  after: Seat[];
  /** Centre across the layers. */
  across: number;
}

const SWEEPS = 8;
const BEND_SIZE = 12;

export function layout(ids: readonly string[], edges: readonly Edge[], options: Options): Placed {
  if (ids.length === 0) return { width: 0, height: 0, boxes: new Map(), edges: [] };
  const known = new Set(ids);
  const real = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const layerOf = layers(ids, real);
  const seats = new Map(ids.map((id) => [id, seat(id, layerOf.get(id) ?? 0, false)]));
  const chains = real.map((edge) => chain(edge, seats));
  const rows = arrange([...seats.values(), ...chains.flatMap((links) => links.slice(1, -1))]);
  const size = place(rows, options);
  return draw(real, chains, seats, rows.length, size, options);
}

/** Longest path from a source. A cycle, which no valid plan has, ends where it was entered. */
function layers(ids: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (id: string, path: Set<string>): number => {
    const done = found.get(id);
    if (done !== undefined) return done;
    if (path.has(id)) return 0;
    path.add(id);
    const inputs = edges.filter((edge) => edge.to === id).map((edge) => visit(edge.from, path) + 1);
    path.delete(id);
    const layer = Math.max(0, ...inputs);
    found.set(id, layer);
    return layer;
  };
  for (const id of ids) visit(id, new Set());
  return found;
}

const seat = (name: string, layer: number, isBend: boolean): Seat => ({ name, isBend, layer, before: [], after: [], across: 0 });

/** The seats of one edge from its start to its end, linked to each other. */
function chain(edge: Edge, seats: Map<string, Seat>): Seat[] {
  const [start, end] = [seats.get(edge.from)!, seats.get(edge.to)!];
  const links = [start];
  for (let layer = start.layer + 1; layer < end.layer; layer++) links.push(seat(`${edge.from}>${edge.to}`, layer, true));
  links.push(end);
  for (let i = 1; i < links.length; i++) {
    links[i - 1]!.after.push(links[i]!);
    links[i]!.before.push(links[i - 1]!);
  }
  return links;
}

/** Rows of seats, one per layer, in an order with few crossings. */
function arrange(seats: Seat[]): Seat[][] {
  const rows: Seat[][] = Array.from({ length: Math.max(0, ...seats.map((one) => one.layer)) + 1 }, () => []);
  for (const one of seats) rows[one.layer]!.push(one);
  const number = (row: Seat[]) => row.forEach((one, index) => (one.across = index));
  rows.forEach(number);
  let best = rows.map((row) => [...row]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (const row of forward ? rows : [...rows].reverse()) {
      const weight = new Map(row.map((one) => [one, centre(forward ? one.before : one.after, one.across)]));
      row.sort((a, b) => weight.get(a)! - weight.get(b)!);
      number(row);
    }
    if (crossings(rows) < crossings(best)) best = rows.map((row) => [...row]);
  }
  best.forEach(number);
  return best;
}

const centre = (around: Seat[], otherwise: number) =>
  around.length === 0 ? otherwise : around.reduce((sum, one) => sum + one.across, 0) / around.length;

/** Pairs of links between neighbouring rows that cross. */
function crossings(rows: Seat[][]): number {
  let crossed = 0;
  for (const row of rows) {
    const ends = row.flatMap((one) => one.after.map((next) => rows[next.layer]!.indexOf(next)).sort((a, b) => a - b));
    for (let i = 0; i < ends.length; i++) for (let j = 0; j < i; j++) if (ends[j]! > ends[i]!) crossed++;
  }
  return crossed;
}

/** Sets `across` of every seat to the centre of its place; returns the size needed across the layers. */
function place(rows: Seat[][], options: Options): number {
  const box = options.direction === 'right' ? options.height : options.width;
  const half = (one: Seat) => (one.isBend ? BEND_SIZE : box) / 2;
  for (const row of rows) {
    let at = 0;
    for (const one of row) {
      one.across = at + half(one);
      at += 2 * half(one) + options.gap;
    }
  }
  // Draw each seat towards its neighbours as far as the seats beside it allow.
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      const wish = row.map((one) => centre([...one.before, ...one.after], one.across));
      const left = row.map((one) => one.across);
      row.forEach((_, i) => (left[i] = i === 0 ? wish[i]! : Math.max(wish[i]!, left[i - 1]! + half(row[i - 1]!) + options.gap + half(row[i]!))));
      const right = [...left];
      for (let i = row.length - 1; i >= 0; i--)
        right[i] = i === row.length - 1 ? wish[i]! : Math.min(wish[i]!, right[i + 1]! - half(row[i + 1]!) - options.gap - half(row[i]!));
      // Both keep the distances; so does their mean.
      row.forEach((one, i) => (one.across = (left[i]! + right[i]!) / 2));
    }
  }
  const all = rows.flat();
  const start = Math.min(...all.map((one) => one.across - half(one)));
  for (const one of all) one.across -= start;
  return Math.max(...all.map((one) => one.across + half(one)));
}

function draw(edges: Edge[], chains: Seat[][], seats: Map<string, Seat>, layerCount: number, across: number, options: Options): Placed {
  const isRight = options.direction === 'right';
  const along = isRight ? options.width : options.height;
  const start = (layer: number) => layer * (along + options.layerGap);
  const point = (a: number, b: number): Point => (isRight ? { x: a, y: b } : { x: b, y: a });
  const half = (isRight ? options.height : options.width) / 2;
  const boxes = new Map([...seats].map(([id, one]) => [id, point(start(one.layer), one.across - half)]));
  const drawn = edges.map((edge, i) => {
    const links = chains[i]!;
    const points = links.flatMap((one, index) => {
      const enter = point(start(one.layer), one.across);
      const leave = point(start(one.layer) + along, one.across);
      if (index === 0) return [leave];
      return index === links.length - 1 ? [enter] : [enter, leave];
    });
    return { ...edge, points };
  });
  const total = start(layerCount - 1) + along;
  return { ...(isRight ? { width: total, height: across } : { width: across, height: total }), boxes, edges: drawn };
}

/** One edge between two vertices that are linked more than once, as by a main and a side output, with all labels. */
export function joined(edges: readonly Edge[]): Edge[] {
  const found = new Map<string, Edge>();
  for (const edge of edges) {
    const name = `${edge.from} ${edge.to}`;
    const other = found.get(name);
    if (!other) found.set(name, { ...edge });
    else if (!other.label.split(', ').includes(edge.label)) other.label += `, ${edge.label}`;
  }
  return [...found.values()];
}

/** An SVG path through `points`, leaving and entering along the direction of flow. */
export function path(points: readonly Point[], direction: Direction): string {
  const [first, ...others] = points;
  if (!first) return '';
  let from = first;
  let text = `M${first.x} ${first.y}`;
  for (const to of others) {
    const middle = direction === 'right' ? (from.x + to.x) / 2 : (from.y + to.y) / 2;
    const [a, b] = direction === 'right' ? [`${middle} ${from.y}`, `${middle} ${to.y}`] : [`${from.x} ${middle}`, `${to.x} ${middle}`];
    text += ` C${a} ${b} ${to.x} ${to.y}`;
    from = to;
  }
  return text;
}
