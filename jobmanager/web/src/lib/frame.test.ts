import { expect, test } from 'vitest';
import { frame } from './frame';

test('the plot lies between its margins', () => {
  const { left, right, top, bottom } = frame(400, 300, { left: 56, right: 18, top: 44, bottom: 46 });
  expect([left, right, top, bottom]).toEqual([56, 382, 44, 254]);
});
