import { createHash, hash } from 'node:crypto';
import { atOnce, type Steps } from '../support/slices.ts';
import type { Cluster } from './cluster.ts';
import { UNIT_KINDS } from './diff.ts';
import type { SnapshotUnits } from './snapshot.ts';
import { tablesOf } from './units.ts';

/** SHA-256 (hex) of a unit's content: equal content, equal hash, in whatever order its fields were set. */
export function hashUnit(unit: object): string {
  return hash('sha256', canonicalJson(unit));
}

/**
 * SHA-256 (hex) over all units, as a tree: kinds, then the places of their tables, then keys in order with the hash of
 * each unit. Costs what has changed since it was last asked for. How near an endpoint is differs from node to node, so it
 * is left out: nodes that serve the same have the same hash.
 */
export function hashUnits(units: SnapshotUnits): string {
  return atOnce(hashUnitsInSteps(units));
}

/** The same in steps: of many units that were never hashed, the first time takes a quarter of a second. */
export function* hashUnitsInSteps(units: SnapshotUnits): Steps<string> {
  const tables = tablesOf(units);
  const all = createHash('sha256');
  for (const kind of UNIT_KINDS)
    for (const [place, shard] of tables[kind].shards.entries()) {
      if (shard.size === 0) continue;
      all.update(`${kind} ${place} ${hashShard(shard)}\n`);
      yield;
    }
  return all.digest('hex');
}

function hashShard(shard: ReadonlyMap<string, object>): string {
  const known = hashes.get(shard);
  if (known !== undefined) return known;
  const lines = [...shard].map(([key, unit]) => `${key}\u0000${knownHash(unit)}\n`);
  const digest = hash('sha256', lines.sort().join(''));
  // What is not frozen may be another thing the next time.
  if (shard.values().every(Object.isFrozen)) hashes.set(shard, digest);
  return digest;
}

const hashes = new WeakMap<object, string>();

/** By unit, and by shard of units. Units are frozen, so a hash holds for as long as its unit lives. */
function knownHash(unit: object): string {
  let known = hashes.get(unit);
  if (known === undefined) {
    known = hashUnit(isCluster(unit) && dependsOnPlace(unit) ? wherever(unit) : unit);
    if (Object.isFrozen(unit)) hashes.set(unit, known);
  }
  return known;
}

function isCluster(unit: object): unit is Cluster {
  return 'balancer' in unit && 'endpoints' in unit;
}

function dependsOnPlace({ shares, endpoints }: Cluster): boolean {
  return shares !== undefined || endpoints.some(({ priority }) => priority !== undefined);
}

/** A cluster as each node has it, wherever it stands. */
function wherever({ shares: _shares, endpoints, ...cluster }: Cluster): object {
  return { ...cluster, endpoints: endpoints.map(({ priority: _priority, ...endpoint }) => endpoint) };
}

/** JSON with the fields of every object in order. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const record = value as Readonly<Record<string, unknown>>;
  let fields = '';
  for (const name of Object.keys(record).sort()) {
    const field = record[name];
    if (field !== undefined) fields += `${fields === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(field)}`;
  }
  return `{${fields}}`;
}
