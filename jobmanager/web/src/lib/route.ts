/** The part of the address behind `#`. Pure. */

export const JOB_TABS = ['diagram', 'tasks', 'checkpoints', 'exceptions', 'configuration'] as const;
export type JobTab = (typeof JOB_TABS)[number];

export type Route =
  | { page: 'overview' }
  | { page: 'job'; jid: string; tab: JobTab }
  | { page: 'taskmanagers' }
  | { page: 'taskmanager'; id: string }
  | { page: 'unknown' };

export function parse(hash: string): Route {
  const [first = '', second, third, ...rest] = hash.replace(/^#?\/?/, '').replace(/\/$/, '').split('/').map(decode);
  if (rest.length > 0) return { page: 'unknown' };
  if (first === '' && second === undefined) return { page: 'overview' };
  if (first === 'jobs' && second) {
    const tab = JOB_TABS.find((name) => name === (third ?? 'diagram'));
    return tab ? { page: 'job', jid: second, tab } : { page: 'unknown' };
  }
  if (first === 'taskmanagers' && third === undefined) return second ? { page: 'taskmanager', id: second } : { page: 'taskmanagers' };
  return { page: 'unknown' };
}

export const jobPath = (jid: string, tab: JobTab = 'diagram') => `#/jobs/${encodeURIComponent(jid)}` + (tab === 'diagram' ? '' : `/${tab}`);
export const taskManagerPath = (id: string) => `#/taskmanagers/${encodeURIComponent(id)}`;

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
