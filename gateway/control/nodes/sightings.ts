import { type Lease } from '../leader/lease.ts';
import { type NodeRecord, parseNode } from './node-record.ts';

/** A node that was not heard of for so long is silent. */
export const SILENT_MS = 40_000;
/** A node that serves something else for so long has drifted: changes reach all of them within seconds. */
export const DRIFT_MS = 60_000;

/**
 * `same`: serves what we serve; `changing`: something else, as it may be for a moment; `drifted`: for longer than a change
 * takes; `incomparable`: another program version or other settings; `stopped`: said so; `silent`: is not heard of.
 */
export type NodeState = 'same' | 'changing' | 'drifted' | 'incomparable' | 'stopped' | 'silent';

export type Sighting = {
  readonly record: NodeRecord;
  readonly state: NodeState;
  /** Of the last sign of life, by our clock; by its own where we have seen but one. */
  readonly lastSeenAt: number;
};

type Seen = {
  lease: Lease;
  record: NodeRecord;
  readonly changes: number;
  /** When its last sign of life was seen here. */
  readonly at: number;
  /** Since when it serves what it serves, as far as was seen here. */
  readonly hashSince: number;
  /** When it last served what we served. */
  readonly lastSame: number;
};

type Moment = { readonly monotonic: number; readonly wall: number };

/** What was seen of the other nodes, by our own clock alone. */
export class Sightings {
  #seen = new Map<string, Seen>();

  /** All node Leases as they are now. */
  update(leases: readonly Lease[], own: Pick<NodeRecord, 'snapshotHash'>, now: Moment): void {
    this.#seen = new Map(leases.map((lease) => [lease.name, this.#next(lease, own.snapshotHash, now.monotonic)]));
  }

  /** Everyone seen, but for the node of this Lease. */
  others(ownLease: string, own: NodeRecord, now: Moment): Sighting[] {
    return [...this.#seen.entries()].flatMap(([name, seen]) =>
      name === ownLease
        ? []
        : [{ record: seen.record, state: stateOf(seen, own, now.monotonic), lastSeenAt: lastSeen(seen, now) }],
    );
  }

  #next(lease: Lease, ownHash: string, now: number): Seen {
    const before = this.#seen.get(lease.name);
    const record = parseNode(lease);
    const isAlive = before === undefined || signOfLife(before.lease) !== signOfLife(lease);
    return {
      lease,
      record,
      changes: (before?.changes ?? 0) + (isAlive ? 1 : 0),
      at: isAlive ? now : before.at,
      hashSince: before?.record.snapshotHash === record.snapshotHash ? before.hashSince : now,
      lastSame: record.snapshotHash === ownHash ? now : (before?.lastSame ?? now),
    };
  }
}

function stateOf(seen: Seen, own: NodeRecord, now: number): NodeState {
  const { record, lease } = seen;
  if (lease.holder === undefined) return 'stopped';
  if (now - seen.at > SILENT_MS) return 'silent';
  if (record.comparable !== own.comparable) return 'incomparable';
  if (record.snapshotHash === own.snapshotHash) return 'same';
  return now - Math.max(seen.hashSince, seen.lastSame) > DRIFT_MS ? 'drifted' : 'changing';
}

function lastSeen(seen: Seen, now: Moment): number {
  const told = Date.parse(seen.lease.renewedAt ?? '');
  return seen.changes > 1 || Number.isNaN(told) ? Math.round(now.wall - (now.monotonic - seen.at)) : told;
}

function signOfLife({ holder, renewedAt }: Lease): string {
  return `${holder} ${renewedAt}`;
}
