import { expect, test } from 'vitest';
import { joined, layout, path, type Edge, type Options } from './layout';

const options: Options = { direction: 'right', width: 100, height: 40, layerGap: 50, gap: 20 };
const edges = (text: string): Edge[] =>
  text.split(' ').filter(Boolean).map((pair) => ({ from: pair[0]!, to: pair[1]!, label: '' }));
const placed = (ids: string, links: string, more: Partial<Options> = {}) => layout([...ids], edges(links), { ...options, ...more });

test('a chain is one straight line of boxes', () => {
  const graph = placed('abc', 'ab bc');
  expect([...graph.boxes.values()]).toEqual([{ x: 0, y: 0 }, { x: 150, y: 0 }, { x: 300, y: 0 }]);
  expect([graph.width, graph.height]).toEqual([400, 40]);
  expect(graph.edges[0]!.points).toEqual([{ x: 100, y: 20 }, { x: 150, y: 20 }]);
});

test('the plan may list a vertex before its inputs', () => {
  expect(placed('cba', 'ab bc').boxes.get('c')!.x).toBe(300);
});

test('boxes of one layer never overlap and a lone successor sits in the middle', () => {
  const { boxes } = placed('abcd', 'ad bd cd');
  const rows = ['a', 'b', 'c'].map((id) => boxes.get(id)!.y).sort((x, y) => x - y);
  expect(rows[1]! - rows[0]!).toBeGreaterThanOrEqual(60);
  expect(rows[2]! - rows[1]!).toBeGreaterThanOrEqual(60);
  expect(boxes.get('d')!.y).toBeCloseTo(rows[1]!, 0);
});

test('parallel branches are ordered without a crossing', () => {
  const { boxes } = placed('abcd', 'ad bc');
  expect(boxes.get('a')!.y < boxes.get('b')!.y).toBe(boxes.get('d')!.y < boxes.get('c')!.y);
});

test('a long edge goes around the boxes of the layers it crosses', () => {
  const graph = placed('abc', 'ab bc ac');
  const long = graph.edges[2]!.points;
  expect(long).toHaveLength(4);
  const box = graph.boxes.get('b')!;
  const bend = long[1]!.y;
  expect(bend < box.y || bend > box.y + options.height).toBe(true);
});

test('downwards swaps the two axes', () => {
  const right = placed('abcd', 'ab ac bd cd');
  const down = placed('abcd', 'ab ac bd cd', { direction: 'down', width: 40, height: 100 });
  expect(down.width).toBe(right.height);
  for (const [id, at] of right.boxes) expect(down.boxes.get(id)).toEqual({ x: at.y, y: at.x });
});

test('edges to unknown vertices, loops, cycles and nothing at all are survived', () => {
  expect(placed('ab', 'ab az aa').edges).toHaveLength(1);
  expect(placed('ab', 'ab ba').boxes.size).toBe(2);
  expect(placed('', '')).toMatchObject({ width: 0, height: 0 });
  expect(placed('a', '')).toMatchObject({ width: 100, height: 40 });
});

test('several links between two vertices are drawn as one', () => {
  const link = (to: string, label: string): Edge => ({ from: 'a', to, label });
  expect(joined([link('b', 'hash'), link('b', 'hash'), link('c', 'hash'), link('b', 'forward')])).toEqual([link('b', 'hash, forward'), link('c', 'hash')]);
});

test('a path starts and ends where its points do', () => {
  expect(path([{ x: 0, y: 0 }, { x: 10, y: 4 }], 'right')).toBe('M0 0 C5 0 5 4 10 4');
  expect(path([], 'down')).toBe('');
});
