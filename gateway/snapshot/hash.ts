import { createHash } from 'node:crypto';
import { UNIT_KINDS } from './diff.ts';
import type { SnapshotUnits } from './snapshot.ts';

/** SHA-256 (hex) of a unit's content: equal content, equal hash, in whatever order its fields were set. */
export function hashUnit(unit: object): string {
  return createHash('sha256').update(canonicalJson(unit)).digest('hex');
}

/** SHA-256 (hex) over all units, as a tree: kinds, then keys in order, then the hash of each unit. */
export function hashUnits(units: SnapshotUnits): string {
  const hash = createHash('sha256');
  for (const kind of UNIT_KINDS) {
    for (const key of Object.keys(units[kind]).sort()) {
      const unit = units[kind][key];
      if (unit !== undefined) hash.update(`${kind}\u0000${key}\u0000${knownHash(unit)}\n`);
    }
  }
  return hash.digest('hex');
}

const hashes = new WeakMap<object, string>();

/** Units are frozen, so a hash holds for as long as its unit lives. */
function knownHash(unit: object): string {
  let hash = hashes.get(unit);
  if (hash === undefined) {
    hash = hashUnit(unit);
    if (Object.isFrozen(unit)) hashes.set(unit, hash);
  }
  return hash;
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => (isRecord(part) ? sorted(part) : part));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
