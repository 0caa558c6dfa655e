import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceFamilies } from '#admin/metrics/source-families.ts';
import type { NodeStatus, SourceKindStatus } from '#admin/views.ts';

const watching: SourceKindStatus = {
  kind: 'Pod',
  group: '',
  state: 'watching',
  objects: 3,
  lastSyncAt: 90_000,
  lists: 1,
  watches: 2,
  failures: 0,
};

test('each kind that the cluster serves has its last sync; the lag is 0 while it is watched', () => {
  const failing: SourceKindStatus = { ...watching, kind: 'Service', state: 'failing', failures: 4 };
  const { lastSyncAt: _never, ...absent } = { ...watching, kind: 'WasmPlugin', state: 'absent' as const };
  const source: NodeStatus['source'] = {
    kind: 'kubernetes',
    location: 'https://10.0.0.1:6443',
    synced: true,
    objects: 6,
    trouble: 'The cluster cannot be reached.',
    kinds: [watching, failing, absent],
  };
  const families = new Map(sourceFamilies(source, 100_000).map(({ name, samples }) => [name, samples]));
  const values = (name: string): unknown =>
    families.get(`mesh_gateway_source_${name}`)?.map(({ labels, value }) => [labels?.['kind'], value]);
  assert.deepEqual(values('last_sync_timestamp_seconds'), [
    ['Pod', 90],
    ['Service', 90],
  ]);
  assert.deepEqual(values('lag_seconds'), [
    ['Pod', 0],
    ['Service', 10],
  ]);
  assert.deepEqual(values('failures_total'), [
    ['Pod', 0],
    ['Service', 4],
  ]);
  assert.deepEqual(values('trouble'), [[undefined, 1]]);
});
