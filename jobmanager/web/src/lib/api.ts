/** The REST answers this page reads: Flink's shapes, and `/jobs/:id/diagrams`, which is ours. Times are epoch ms. */

export interface Config {
  'flink-version': string;
  features: { 'web-cancel'?: boolean };
}

export interface Overview {
  taskmanagers: number;
  'slots-total': number;
  'slots-available': number;
  'jobs-running': number;
  'jobs-finished': number;
  'jobs-cancelled': number;
  'jobs-failed': number;
}

export interface JobRow {
  jid: string;
  name: string;
  state: string;
  'start-time': number;
  'end-time': number;
  duration: number;
  tasks: Record<string, number>;
}

export interface VertexMetrics {
  'read-bytes': number;
  'write-bytes': number;
  'read-records': number;
  'write-records': number;
  /** Milliseconds, summed over the subtasks. */
  'accumulated-busy-time': number;
  'accumulated-idle-time': number;
  'accumulated-backpressured-time': number;
  'records-in-per-second'?: number;
  'records-out-per-second'?: number;
  'current-input-watermark'?: number;
  'records-late'?: number;
  'dead-letters'?: number;
}

export interface Vertex {
  id: string;
  name: string;
  parallelism: number;
  status: string;
  duration: number;
  tasks: Record<string, number>;
  metrics: VertexMetrics;
}

export interface PlanNode {
  id: string;
  inputs?: { id: string; ship_strategy: string }[];
}

export interface Job {
  jid: string;
  name: string;
  state: string;
  'start-time': number;
  'end-time': number;
  duration: number;
  now: number;
  vertices: Vertex[];
  plan: { nodes: PlanNode[] };
}

export interface Subtask {
  subtask: number;
  attempt: number;
  status: string;
  endpoint?: string;
  'taskmanager-id'?: string;
  'start-time': number;
  duration: number;
  metrics: Partial<VertexMetrics>;
}

export interface Checkpoint {
  id: number;
  status: string;
  is_savepoint: boolean;
  checkpoint_type?: string;
  trigger_timestamp: number;
  end_to_end_duration: number;
  state_size: number;
  checkpointed_size?: number;
  num_subtasks: number;
  num_acknowledged_subtasks: number;
  external_path?: string;
  failure_message?: string;
}

/** Flink writes the percentiles of nothing as the string "NaN". */
export interface Spread {
  min: number;
  max: number;
  avg: number;
  p50: number | string;
  p99: number | string;
}

export interface Checkpoints {
  counts: { restored: number; total: number; in_progress: number; completed: number; failed: number };
  summary?: { end_to_end_duration?: Spread; state_size?: Spread };
  latest: {
    completed: Checkpoint | null;
    savepoint: Checkpoint | null;
    failed: Checkpoint | null;
    restored: { id: number; restore_timestamp: number; external_path?: string } | null;
  };
  history: Checkpoint[];
}

export interface CheckpointConfig {
  mode: string;
  interval: number;
  timeout: number;
  min_pause: number;
  [option: string]: unknown;
}

export interface Failure {
  exceptionName: string;
  stacktrace: string;
  timestamp: number;
  taskName?: string | null;
  endpoint?: string | null;
  taskManagerId?: string | null;
  concurrentExceptions?: Failure[];
}

export interface Exceptions {
  exceptionHistory: { entries: Failure[]; truncated: boolean };
}

export interface JobConfig {
  'execution-config': Record<string, unknown> & { 'user-config'?: Record<string, unknown> };
}

/** One class: homology dimension, birth, death (null: it never dies). */
export type Pair = [dimension: number, birth: number, death: number | null];

export interface Diagram {
  vertex: string;
  operator: string;
  key: string;
  start: number;
  end: number;
  kind?: string;
  /** Points in the window. */
  count: number;
  algorithm?: string;
  /** Seconds. */
  'computation-time'?: number;
  'error-bound'?: number;
  truncated?: boolean;
  pairs: Pair[];
}

export interface Diagrams {
  diagrams: Diagram[];
}

export interface TaskManager {
  id: string;
  path: string;
  dataPort: number;
  /** In truth the epoch ms of the last heartbeat. */
  timeSinceLastHeartbeat: number;
  slotsNumber: number;
  freeSlots: number;
  assignedTasks?: number;
  hardware: { cpuCores: number; physicalMemory: number; freeMemory: number; managedMemory: number };
  memoryConfiguration?: Record<string, number>;
  metrics?: Record<string, unknown>;
  allocatedSlots?: { jobId: string; assignedTasks?: number }[];
}

export interface MetricValue {
  id: string;
  value?: string;
}

/** What went wrong with a call, in words for the reader. `status` 0: nobody answered. */
export class CallError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const ANSWER_WITHIN_MS = 10_000;
const TOKEN = 'bettiflow-token';

/** The bearer token lives as long as the browser tab. */
export const token = {
  read: () => sessionStorage.getItem(TOKEN),
  write: (value: string) => sessionStorage.setItem(TOKEN, value),
};

let serverAheadMs = 0;

/** The JobManager's clock: ages of what it stamped must not depend on how well the reader's clock is set. */
export const serverNow = () => Date.now() + serverAheadMs;

/** The Date header has whole seconds and was some time under way, so small differences mean nothing. */
function compareClocks(date: string | null) {
  const ahead = Date.parse(date ?? '') - Date.now();
  if (Number.isFinite(ahead)) serverAheadMs = Math.abs(ahead) > 2000 ? ahead : 0;
}

/** Calls `path` below the address of the page. Rejects with `CallError` only, or with an `AbortError` of `signal`. */
export async function call<T>(path: string, signal?: AbortSignal, method = 'GET'): Promise<T> {
  const deadline = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const headers: Record<string, string> = { Accept: 'application/json' };
  const bearer = token.read();
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let status = 0;
  let text: string;
  try {
    const answer = await fetch(path, { method, headers, signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
    status = answer.status;
    compareClocks(answer.headers.get('date'));
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError(0, 'the JobManager does not answer');
  }
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new CallError(isGateway(status) ? 0 : status, `the answer to ${path} is not JSON (status ${status})`);
  }
  if (status >= 400) throw new CallError(isGateway(status) ? 0 : status, firstError(body) ?? `status ${status}`);
  return body as T;
}

/** A proxy in front answers these when the JobManager behind it does not. */
const isGateway = (status: number) => status === 502 || status === 504;

function firstError(body: unknown): string | undefined {
  const errors = (body as { errors?: unknown } | null)?.errors;
  const first = Array.isArray(errors) ? errors[0] : undefined;
  return typeof first === 'string' ? first.split('\n', 1)[0] : undefined;
}

export const cancelJob = (jid: string) => call<unknown>(`jobs/${jid}?mode=cancel`, undefined, 'PATCH');
