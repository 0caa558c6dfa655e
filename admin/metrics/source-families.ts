import type { NodeStatus, SourceKindStatus } from '../views.ts';
import { counter, type Family, gauge } from './families.ts';

/** How the source fares; of a cluster also each kind that it serves. */
export function sourceFamilies({ synced, trouble, kinds = [] }: NodeStatus['source'], now: number): Family[] {
  const served = kinds.filter(({ state }) => state !== 'absent');
  const each = (value: (kind: SourceKindStatus) => number | undefined) =>
    served.flatMap((kind) => {
      const found = value(kind);
      return found === undefined ? [] : [{ labels: { kind: kind.kind, group: kind.group }, value: found }];
    });
  return [
    gauge('mesh_gateway_source_synced', '1 when the source has told everything once.', [{ value: synced ? 1 : 0 }]),
    gauge('mesh_gateway_source_trouble', '1 while something keeps the source from being known as it is.', [
      { value: trouble === undefined ? 0 : 1 },
    ]),
    gauge(
      'mesh_gateway_source_kind_objects',
      'Objects that are known of a kind.',
      each((kind) => kind.objects),
    ),
    gauge(
      'mesh_gateway_source_last_sync_timestamp_seconds',
      'When what is known of a kind was last known to be the truth.',
      each(({ lastSyncAt }) => lastSyncAt && lastSyncAt / 1_000),
    ),
    gauge(
      'mesh_gateway_source_lag_seconds',
      'For how long a kind has not been known as it is; 0 while it is watched.',
      each(({ state, lastSyncAt }) =>
        state === 'watching' ? 0 : lastSyncAt && Math.max(0, (now - lastSyncAt) / 1_000),
      ),
    ),
    counter(
      'mesh_gateway_source_lists_total',
      'Lists of all objects of a kind.',
      each((kind) => kind.lists),
    ),
    counter(
      'mesh_gateway_source_watches_total',
      'Watches that were opened.',
      each((kind) => kind.watches),
    ),
    counter(
      'mesh_gateway_source_failures_total',
      'Lists and watches that failed.',
      each((kind) => kind.failures),
    ),
  ];
}
