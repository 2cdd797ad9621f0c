import { expect, test } from 'vitest';
import { jobPath, parse, taskManagerPath } from './route';

test('an empty address is the overview', () => {
  for (const hash of ['', '#', '#/']) expect(parse(hash)).toEqual({ page: 'overview' });
});

test('a job opens on its diagram, or on the tab that is named', () => {
  expect(parse('#/jobs/ab12')).toEqual({ page: 'job', jid: 'ab12', tab: 'diagram' });
  expect(parse('#/jobs/ab12/checkpoints/')).toEqual({ page: 'job', jid: 'ab12', tab: 'checkpoints' });
  expect(parse('#/jobs/ab12/nonsense')).toEqual({ page: 'unknown' });
});

test('paths are parsed back to what they were made of', () => {
  expect(parse(jobPath('ab12', 'exceptions'))).toEqual({ page: 'job', jid: 'ab12', tab: 'exceptions' });
  expect(parse(taskManagerPath('host:80/a b%'))).toEqual({ page: 'taskmanager', id: 'host:80/a b%' });
});
