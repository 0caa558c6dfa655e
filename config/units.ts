const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/;

/** Reads "250ms", "5s", "1m30s" or a plain 0 as milliseconds; undefined for anything else ("5" has no unit). */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    total += Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
  }
  return Number.isInteger(total) ? total : undefined;
}

/** Reads "60KiB", "1MiB", "512B" or plain bytes ("61440"); undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const parts = SIZE.exec(text);
  if (parts === null) return undefined;
  const bytes = Number(parts[1]) * BYTES[(parts[2] ?? 'B') as keyof typeof BYTES];
  return Number.isInteger(bytes) ? bytes : undefined;
}

/** The shortest way to write a duration that {@link parseDuration} reads back: 90000 is "90s", 3600000 is "1h". */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  return inLargestUnit(ms, Object.entries(MILLISECONDS).reverse());
}

/** The shortest way to write a size that {@link parseSize} reads back: 61440 is "60KiB". */
export function formatSize(bytes: number): string {
  return inLargestUnit(bytes, Object.entries(BYTES).reverse());
}

function inLargestUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, factor] = units.find(([, factor]) => value !== 0 && value % factor === 0) ?? ['', 1];
  return `${value / factor}${name}`;
}
