/** Numbers, sizes and times as words. Pure; a missing value is always `NONE`. */

export const NONE = '–';

type Maybe = number | null | undefined;

const isGiven = (value: Maybe): value is number => value != null && Number.isFinite(value);

/** A whole count with thin separators: 12345 is "12,345". */
export function count(value: Maybe): string {
  return isGiven(value) ? Math.round(value).toLocaleString('en-US') : NONE;
}

const THOUSANDS = ['', ' k', ' M', ' G', ' T'];

/** A count in at most four characters and a prefix: 12345 is "12.3 k". */
export function compact(value: Maybe): string {
  if (!isGiven(value)) return NONE;
  let scaled = Math.abs(value);
  let step = 0;
  while (scaled >= 999.5 && step < THOUSANDS.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  const digits = scaled >= 99.95 || (step === 0 && Number.isInteger(scaled)) ? 0 : scaled >= 9.995 ? 1 : 2;
  return (value < 0 ? '-' : '') + scaled.toFixed(digits) + THOUSANDS[step];
}

/** Records per second. */
export function rate(value: Maybe): string {
  return isGiven(value) ? `${compact(value)}/s` : NONE;
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: Maybe): string {
  if (!isGiven(value) || value < 0) return NONE;
  let scaled = value;
  let step = 0;
  while (scaled >= 1023.5 && step < BINARY.length - 1) {
    scaled /= 1024;
    step += 1;
  }
  const digits = step === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${BINARY[step]}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of milliseconds in its two largest units; Flink's -1 ("not yet") is `NONE`. */
export function duration(ms: Maybe): string {
  if (!isGiven(ms) || ms < 0) return NONE;
  if (ms === 0) return '0 ms';
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(2)} s`;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
  const pair = (large: number, small: number, largeName: string, smallName: string) =>
    `${Math.floor(ms / large)}${largeName} ${String(Math.floor((ms % large) / small)).padStart(2, '0')}${smallName}`;
  if (ms < HOUR) return pair(MINUTE, SECOND, 'm', 's');
  if (ms < DAY) return pair(HOUR, MINUTE, 'h', 'm');
  return pair(DAY, HOUR, 'd', 'h');
}

const two = (value: number) => String(value).padStart(2, '0');

/** Time of day in the reader's zone; fractions of a second only where there are some. */
export function clock(ms: Maybe): string {
  if (!isGiven(ms)) return NONE;
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return NONE;
  const fraction = date.getMilliseconds();
  const tail = fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${tail}`;
}

/** Date and time of day in the reader's zone, to the second. */
export function moment(ms: Maybe): string {
  if (!isGiven(ms) || ms < 0) return NONE;
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return NONE;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(Math.floor(ms / 1000) * 1000)}`;
}

/** A share between 0 and 1. */
export function percent(share: Maybe): string {
  return isGiven(share) ? `${Math.round(share * 100)}%` : NONE;
}

/** A filtration value to four significant digits, without trailing zeros; null is an essential class's death. */
export function scale(value: number | null): string {
  if (value === null) return '∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

const NO_WATERMARK_BELOW = -8.64e15;
const ENDED_ABOVE = 8.64e15;

/** How far a watermark is behind the wall clock. Replayed data can be years behind: then its own time says more. */
export function watermark(value: Maybe, now: number): string {
  if (!isGiven(value)) return NONE;
  if (value <= NO_WATERMARK_BELOW) return 'none yet';
  if (value >= ENDED_ABOVE) return 'at the end';
  const lag = now - value;
  if (lag > DAY) return `at ${moment(value)}`;
  return lag < 0 ? `${duration(-lag)} ahead` : `${duration(lag)} behind`;
}
