/** Repeated GETs that rest while nobody looks, and one shared view of whether the JobManager answers. */

import { call, CallError } from './api';

const WHILE_LOST_MS = 2000;

class Connection {
  /** Since when nobody answers; null while somebody does. */
  lostSince = $state<number | null>(null);
  needsToken = $state(false);
  #sleepers = new Set<() => void>();

  answered() {
    const wasLost = this.lostSince !== null;
    this.lostSince = null;
    this.needsToken = false;
    if (wasLost) this.retry();
  }

  lost() {
    this.lostSince ??= Date.now();
  }

  /** All polls call again now. */
  retry() {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Ends after `ms`, at `retry`, or when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }
}

export const connection = new Connection();

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) connection.retry();
});

export class Poll<T> {
  /** The last answer; kept when later calls fail. */
  data = $state.raw<T | null>(null);
  /** What the JobManager answered instead, for example that the job is unknown. */
  error = $state.raw<CallError | null>(null);

  constructor(
    private readonly path: string,
    private readonly everyMs: number,
  ) {}

  /** Polls until the returned function is called: the shape that `$effect` wants. */
  run = (): (() => void) => {
    const stop = new AbortController();
    void this.#loop(stop.signal);
    return () => stop.abort();
  };

  async #loop(signal: AbortSignal) {
    while (!signal.aborted) {
      if (!document.hidden) await this.#once(signal);
      await connection.sleep(connection.lostSince === null ? this.everyMs : Math.max(this.everyMs, WHILE_LOST_MS), signal);
    }
  }

  async #once(signal: AbortSignal) {
    try {
      const data = await call<T>(this.path, signal);
      if (signal.aborted) return;
      this.data = data;
      this.error = null;
      connection.answered();
    } catch (error) {
      if (signal.aborted || !(error instanceof CallError)) return;
      if (error.status === 0) return connection.lost();
      connection.answered();
      if (error.status === 401) connection.needsToken = true;
      else this.error = error;
    }
  }
}
