import { expect, test } from 'vitest';
import { sinceHeartbeat } from './heartbeat';
import { describe } from './metric';

test('a gauge is named in words and sizes are in bytes', () => {
  expect(describe('heapUsed', 174900736)).toEqual(['Heap used', '167 MiB']);
  expect(describe('nettyShuffleMemorySegmentsTotal', 4096)).toEqual(['Netty shuffle memory segments total', '4,096']);
  expect(describe('Status.Process.CpuLoad', 0.37)).toEqual(['Process · Cpu load', '0.37']);
  expect(describe('Status.State', NaN, 'ready')).toEqual(['State', 'ready']);
});

test('a heartbeat given as a time or as a span is an age', () => {
  expect(sinceHeartbeat(1795216664805, 1795216665000)).toBe(195);
  expect(sinceHeartbeat(180, 1795216665000)).toBe(180);
  expect(sinceHeartbeat(1795216665100, 1795216665000)).toBe(0);
});
