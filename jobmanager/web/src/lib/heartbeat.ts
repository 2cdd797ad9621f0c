/** Flink's `timeSinceLastHeartbeat` is the epoch time of the last heartbeat; a true span, as the name says, is taken too. */
export function sinceHeartbeat(value: number, now: number): number {
  const isEpoch = value > 1e11;
  return isEpoch ? Math.max(0, now - value) : value;
}
