/** Rates and shares of a vertex from successive polls of its accumulated counters. Pure. */

import type { VertexMetrics } from './api';

export interface Sample {
  /** The JobManager's clock, ms. */
  at: number;
  metrics: VertexMetrics;
}

/** Each value is null while it cannot be known. The shares add up to 1. */
export interface Rates {
  recordsIn: number | null;
  recordsOut: number | null;
  busy: number | null;
  backPressured: number | null;
  idle: number | null;
}

/** Long enough to span the refresh of metrics that a TaskManager reports every few seconds. */
const KEEP_MS = 10_000;

/** Adds a sample. A counter that went back means a new attempt of the task: what came before no longer counts. */
export function remember(samples: readonly Sample[], next: Sample): Sample[] {
  const last = samples.at(-1);
  if (last && next.at <= last.at) return [...samples];
  if (last && COUNTERS.some((name) => next.metrics[name] < last.metrics[name])) return [next];
  return [...samples.filter((sample) => sample.at >= next.at - KEEP_MS), next];
}

const COUNTERS = ['read-records', 'write-records', 'accumulated-busy-time', 'accumulated-idle-time', 'accumulated-backpressured-time'] as const;

/** Rates over the kept samples; those that the JobManager gives itself win. */
export function rates(samples: readonly Sample[]): Rates {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last) return { recordsIn: null, recordsOut: null, busy: null, backPressured: null, idle: null };
  const seconds = (last.at - first.at) / 1000;
  const grown = (name: (typeof COUNTERS)[number]) => last.metrics[name] - first.metrics[name];
  const perSecond = (name: (typeof COUNTERS)[number]) => (seconds > 0 ? grown(name) / seconds : null);
  const busy = grown('accumulated-busy-time');
  const backPressured = grown('accumulated-backpressured-time');
  const idle = grown('accumulated-idle-time');
  const spent = busy + backPressured + idle;
  const share = (part: number) => (spent > 0 ? part / spent : null);
  return {
    recordsIn: last.metrics['records-in-per-second'] ?? perSecond('read-records'),
    recordsOut: last.metrics['records-out-per-second'] ?? perSecond('write-records'),
    busy: share(busy),
    backPressured: share(backPressured),
    idle: share(idle),
  };
}
