import type { KindStatus } from '../source.ts';
import { OTHER_CLUSTER } from './cluster-identity.ts';
import type { WatchedKindState } from './watched-kind-state.ts';

/** How one kind fares, for status and metrics. */
export function kindStatus(state: WatchedKindState): KindStatus {
  const { kind, scopes, size } = state;
  const all = [...scopes.values()];
  const syncs = all.map(({ lastSyncAt }) => lastSyncAt);
  const oldest = syncs.includes(undefined) || syncs.length === 0 ? undefined : Math.min(...(syncs as number[]));
  const sum = (count: 'lists' | 'watches' | 'failures'): number =>
    all.reduce((total, { counts }) => total + counts[count], 0);
  return {
    kind: kind.kind,
    group: kind.group,
    state: stateOf(state),
    objects: size,
    ...(oldest !== undefined && { lastSyncAt: oldest }),
    lists: sum('lists'),
    watches: sum('watches'),
    failures: sum('failures'),
  };
}

function stateOf({ presence, scopes }: WatchedKindState): KindStatus['state'] {
  if (presence === 'unknown') return 'unknown';
  if (presence === 'unreadable') return 'refused';
  if (presence !== 'served') return 'absent';
  const all = [...scopes.values()];
  const failure = all.find((scope) => scope.failure !== undefined)?.failure;
  if (all.some(({ held }) => held) || failure?.error.reason === OTHER_CLUSTER) return 'held';
  if (failure !== undefined)
    return failure.error.status === 401 || failure.error.status === 403 ? 'refused' : 'failing';
  return all.every(({ isListed }) => isListed) ? 'watching' : 'listing';
}
