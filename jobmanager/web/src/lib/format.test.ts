import { describe, expect, test } from 'vitest';
import { bytes, compact, count, duration, moment, percent, rate, scale, watermark } from './format';

const check = <T>(format: (value: T) => string, table: [T, string][]) => {
  for (const [value, expected] of table) expect(format(value), String(value)).toBe(expected);
};

describe('a value', () => {
  test('that is missing is a dash everywhere', () => {
    for (const format of [count, compact, rate, bytes, duration, moment, percent])
      for (const nothing of [undefined, null, NaN]) expect(format(nothing)).toBe('–');
  });

  test('as a compact number has three digits and never rounds up to 1000', () => {
    check(compact, [[0, '0'], [7, '7'], [1.234, '1.23'], [999, '999'], [999.6, '1.00 k'], [12345, '12.3 k'], [-4.5e6, '-4.50 M'], [99960, '100 k']]);
  });

  test('as bytes uses binary units', () => {
    check(bytes, [[0, '0 B'], [1023, '1023 B'], [1024, '1.00 KiB'], [456094, '445 KiB'], [1023.4 * 1024, '1023 KiB'], [3 * 2 ** 30, '3.00 GiB']]);
  });

  test('as a duration shows its two largest units', () => {
    check(duration, [[-1, '–'], [0, '0 ms'], [0.1234, '0.12 ms'], [68, '68 ms'], [1797, '1.80 s'], [42_300, '42.3 s'], [91_000, '1m 31s'], [7_440_000, '2h 04m'], [266_400_000, '3d 02h']]);
  });

  test('as a filtration value keeps four significant digits', () => {
    check(scale, [[null, '∞'], [0, '0'], [0.123456, '0.1235'], [0.5, '0.5'], [0.0000123, '1.23e-5'], [123456, '1.23e+5']]);
  });

  test('as a moment is not given for "not yet"', () => expect(moment(-1)).toBe('–'));
});

test('a watermark is told as lag, unless it is of another day', () => {
  const now = Date.UTC(2026, 0, 10, 12);
  expect(watermark(now - 2100, now)).toBe('2.10 s behind');
  expect(watermark(now + 500, now)).toBe('500 ms ahead');
  expect(watermark(-9223372036854775808, now)).toBe('none yet');
  expect(watermark(9223372036854775807, now)).toBe('at the end');
  expect(watermark(Date.UTC(2020, 5, 1), now)).toMatch(/^at 2020-0/);
});
