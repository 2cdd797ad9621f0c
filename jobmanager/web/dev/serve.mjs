// A stand-in for the JobManager, for work on this page only. It is not part of the product: nothing here is built,
// embedded or tested against. It serves `dist` and answers the REST paths from `fixtures`: recorded answers whose times
// are moved to now, whose counters grow and whose diagrams wobble.
//
//   npm run build && node dev/serve.mjs [--port 8090] [--empty] [--token TOKEN]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '8090' }, empty: { type: 'boolean' }, token: { type: 'string' } },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const RECORDED_AT = 1795216660000;
const started = Date.now();
let isCanceled = false;

const MIME = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const fixture = (name) => moved(JSON.parse(readFileSync(join(here, 'fixtures', `${name}.json`), 'utf8')));

/** Every recorded epoch time, moved so that the recording was made when this server started. */
function moved(value) {
  if (typeof value === 'number') return Math.abs(value - RECORDED_AT) < 7 * 86_400_000 ? value - RECORDED_AT + started : value;
  if (Array.isArray(value)) return value.map(moved);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, moved(one)]));
  return value;
}

/** Records in and out per second, and busy and back-pressured shares of each vertex in plan order. */
const LOAD = [
  { in: 0, out: 11_800, busy: 0.22, backPressured: 0.64 },
  { in: 11_800, out: 0.9, busy: 0.93, backPressured: 0.02 },
  { in: 0.9, out: 0.3, busy: 0.04, backPressured: 0 },
  { in: 1.2, out: 0, busy: 0.08, backPressured: 0 },
  { in: 0.4, out: 0, busy: 0.01, backPressured: 0 },
];

const ENDED = new Set(['FAILED', 'FINISHED', 'CANCELED']);

function job(jid) {
  const [now, answer] = [Date.now(), fixture('job')];
  const row = jobsOverview().jobs.find((one) => one.jid === jid);
  const state = row.state;
  const elapsed = now - started + 60_000;
  const seconds = elapsed / 1000 + 0.4 * Math.sin(elapsed / 3000);
  answer.vertices.forEach((vertex, i) => {
    const load = LOAD[i];
    Object.assign(vertex.metrics, {
      'read-records': Math.floor(load.in * seconds),
      'write-records': Math.floor(load.out * seconds),
      'read-bytes': Math.floor(load.in * seconds * 41),
      'write-bytes': Math.floor(load.out * seconds * 41),
      'accumulated-busy-time': elapsed * vertex.parallelism * load.busy,
      'accumulated-backpressured-time': elapsed * vertex.parallelism * load.backPressured,
      'accumulated-idle-time': elapsed * vertex.parallelism * (1 - load.busy - load.backPressured),
    });
    if ('current-input-watermark' in vertex.metrics) vertex.metrics['current-input-watermark'] += now - started;
    if (ENDED.has(state)) Object.assign(vertex, { status: state, tasks: { [state]: vertex.parallelism } });
  });
  return { ...answer, jid, name: row.name, state, now, 'end-time': row['end-time'], duration: row.duration };
}

function vertex(jid, id) {
  const { name, parallelism, metrics, status } = job(jid).vertices.find((one) => one.id === id);
  const share = { ...metrics, 'read-records': metrics['read-records'] / parallelism, 'write-records': metrics['write-records'] / parallelism };
  const answer = fixture('vertex');
  return { ...answer, id, name, parallelism, subtasks: answer.subtasks.slice(0, parallelism).map((one) => ({ ...one, status, metrics: share })) };
}

/** Fourteen windows of three keys; every value wobbles a little with its own phase. */
function diagrams(jid) {
  if (ENDED.has(job(jid).state)) return [];
  const slide = 2000;
  const newest = Math.floor(Date.now() / slide);
  return Object.entries(fixture('diagrams')).flatMap(([key, { count, pairs }]) =>
    Array.from({ length: 14 }, (_, age) => {
      const turn = newest - age;
      const wobble = (value, i) => (value === null ? null : value * (1 + 0.05 * Math.sin(turn / 4 + i * 1.7)));
      const breath = 1 + 0.18 * Math.sin(turn / 5);
      const shaken = pairs.map(([dimension, birth, death], i) => {
        const start = wobble(birth, i);
        const life = death === null ? null : (death - birth) * (dimension === 1 ? breath : 1) * (1 + 0.08 * Math.sin(turn / 3 + i));
        return [dimension, start, life === null ? null : start + life];
      });
      return {
        vertex: fixture('job').vertices[1].id, operator: 'persistence', key, start: turn * slide - 60_000, end: turn * slide, kind: 'sliding', count,
        algorithm: 'vietoris_rips', 'computation-time': 0.0123 * breath, 'error-bound': 0, truncated: key === 'sensor-12', pairs: shaken,
      };
    }),
  );
}

function checkpoints() {
  const answer = fixture('checkpoints');
  const later = Math.floor((Date.now() - started) / 3000);
  const shift = (one) => one && Object.assign(one, { id: one.id + later, trigger_timestamp: one.trigger_timestamp + later * 3000 });
  [...answer.history, ...Object.values(answer.latest)].forEach(shift);
  answer.counts.total += later;
  answer.counts.completed += later;
  return answer;
}

function taskmanagers() {
  const beat = (one) => ({ ...one, timeSinceLastHeartbeat: Date.now() - 180 });
  return { taskmanagers: fixture('taskmanagers').taskmanagers.map(beat) };
}

function jobsOverview() {
  if (options.empty) return { jobs: [] };
  const answer = fixture('jobs_overview');
  for (const row of answer.jobs) if (row['end-time'] < 0) row.duration = Date.now() - row['start-time'];
  if (isCanceled) Object.assign(answer.jobs[0], { state: 'CANCELED', 'end-time': Date.now(), tasks: { total: 11, canceled: 11 } });
  return answer;
}

const NOTHING = { taskmanagers: 0, 'slots-total': 0, 'slots-available': 0, 'jobs-running': 0, 'jobs-finished': 0, 'jobs-cancelled': 0, 'jobs-failed': 0 };
const ROUTES = [
  [/^\/overview$/, () => ({ ...fixture('overview'), ...(options.empty ? NOTHING : {}) })],
  [/^\/config$/, () => fixture('config')],
  [/^\/jobs\/overview$/, jobsOverview],
  [/^\/jobs\/(\w+)$/, (jid) => job(jid)],
  [/^\/jobs\/(\w+)\/diagrams$/, (jid) => ({ diagrams: diagrams(jid) })],
  [/^\/jobs\/\w+\/checkpoints$/, checkpoints],
  [/^\/jobs\/\w+\/checkpoints\/config$/, () => fixture('checkpoints_config')],
  [/^\/jobs\/\w+\/exceptions$/, () => fixture('exceptions')],
  [/^\/jobs\/\w+\/config$/, () => fixture('job_config')],
  [/^\/jobs\/(\w+)\/vertices\/(\w+)$/, vertex],
  [/^\/taskmanagers$/, () => (options.empty ? { taskmanagers: [] } : taskmanagers())],
  [/^\/taskmanagers\/([^/]+)$/, (id) => ({ ...fixture('taskmanager'), ...taskmanagers().taskmanagers.find((one) => one.id === decodeURIComponent(id)) })],
  [/^\/taskmanagers\/[^/]+\/metrics$/, () => fixture('taskmanager_metrics')],
];

function answer(request) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.method === 'PATCH') {
    isCanceled = true;
    return [202, {}];
  }
  for (const [pattern, handler] of ROUTES) {
    const match = pattern.exec(pathname);
    if (!match) continue;
    if (options.token && request.headers.authorization !== `Bearer ${options.token}`) return [401, { errors: ['a bearer token is needed'] }];
    if (match[1] && pathname.startsWith('/jobs/') && !fixture('jobs_overview').jobs.some((one) => one.jid === match[1]))
      return [404, { errors: [`job ${match[1]} not found`] }];
    return [200, handler(...match.slice(1))];
  }
  return null;
}

createServer((request, response) => {
  const found = answer(request);
  if (found) {
    response.writeHead(found[0], { 'content-type': 'application/json' }).end(JSON.stringify(found[1]));
    return;
  }
  const { pathname } = new URL(request.url, 'http://localhost');
  const file = normalize(pathname === '/' ? '/index.html' : pathname);
  try {
    const content = readFileSync(join(here, '..', 'dist', file));
    response.writeHead(200, { 'content-type': MIME[extname(file)] ?? 'application/octet-stream' }).end(content);
  } catch {
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [`path ${pathname} not found`] }));
  }
}).listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${options.port}/`));
