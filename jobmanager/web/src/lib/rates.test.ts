import { expect, test } from 'vitest';
import type { VertexMetrics } from './api';
import { rates, remember, type Sample } from './rates';

const sample = (at: number, read: number, busy = 0, idle = 0, backPressured = 0, more: Partial<VertexMetrics> = {}): Sample => ({
  at,
  metrics: {
    'read-bytes': 0,
    'write-bytes': 0,
    'read-records': read,
    'write-records': read / 10,
    'accumulated-busy-time': busy,
    'accumulated-idle-time': idle,
    'accumulated-backpressured-time': backPressured,
    ...more,
  },
});
const after = (...samples: Sample[]) => samples.reduce<Sample[]>(remember, []);

test('one sample gives no rate', () => {
  expect(rates(after(sample(0, 500)))).toEqual({ recordsIn: null, recordsOut: null, busy: null, backPressured: null, idle: null });
});

test('rates are growth per second of the JobManager clock', () => {
  const seen = rates(after(sample(1000, 500), sample(3000, 2500)));
  expect(seen.recordsIn).toBe(1000);
  expect(seen.recordsOut).toBe(100);
});

test('shares are of the time that was accounted for, whatever the parallelism', () => {
  const seen = rates(after(sample(0, 0, 0, 0, 0), sample(1000, 0, 500, 1000, 500)));
  expect([seen.busy, seen.idle, seen.backPressured]).toEqual([0.25, 0.5, 0.25]);
});

test('a restart of the task starts the count anew instead of giving a negative rate', () => {
  const samples = after(sample(0, 9000), sample(1000, 10_000), sample(2000, 10));
  expect(samples).toHaveLength(1);
  expect(rates([...remember(samples, sample(3000, 110))]).recordsIn).toBe(100);
});

test('counters that stand still between refreshes are bridged', () => {
  const seen = rates(after(sample(0, 0), sample(1000, 0), sample(2000, 0), sample(3000, 300)));
  expect(seen.recordsIn).toBe(100);
});

test('samples older than ten seconds and repeated answers are dropped', () => {
  expect(after(sample(0, 0), sample(0, 5), sample(5000, 10), sample(12_000, 20)).map((kept) => kept.at)).toEqual([5000, 12_000]);
});

test('a rate given by the JobManager wins over one computed here', () => {
  const given = sample(1000, 50, 0, 0, 0, { 'records-in-per-second': 42 });
  expect(rates(after(sample(0, 0), given)).recordsIn).toBe(42);
});
