import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindStatus, SourceStatus } from '#gateway/control/source/source.ts';
import { describeSource } from '#gateway/roles/describe-source.ts';

const newest = { version: 12, publishedAt: Date.parse('2026-03-01T10:00:00Z') };
const kind = (name: string, state: KindStatus['state'], lastSyncAt?: string): KindStatus => ({
  kind: name,
  group: '',
  state,
  objects: 1,
  ...(lastSyncAt !== undefined && { lastSyncAt: Date.parse(lastSyncAt) }),
  lists: 1,
  watches: 1,
  failures: 0,
});
const status: SourceStatus = {
  kind: 'kubernetes',
  location: 'https://10.0.0.1:6443',
  synced: true,
  kinds: [kind('Pod', 'watching', '2026-03-03T12:00:00Z')],
};

test('health checks tell since when the source is not in sync, and of when is what is served', () => {
  assert.equal(describeSource(status, newest), 'kubernetes https://10.0.0.1:6443, in sync');
  const kinds = [
    kind('Pod', 'watching', '2026-03-02T08:00:00Z'),
    kind('WasmPlugin', 'absent'),
    kind('Service', 'failing', '2026-03-03T12:00:00Z'),
    kind('Gateway', 'held', '2026-03-03T11:00:00Z'),
    kind('Node', 'unknown'),
  ];
  assert.equal(
    describeSource({ ...status, kinds, trouble: 'It is away.' }, newest),
    'kubernetes https://10.0.0.1:6443, not in sync since 2026-03-03T11:00:00.000Z; version 12, of 2026-03-01T10:00:00.000Z, is served. It is away.',
  );
});

test('after a start into an outage nothing is known of when it began, and before the first answer nothing is wrong', () => {
  const kinds = [kind('Pod', 'unknown')];
  assert.match(describeSource({ ...status, kinds, trouble: 'It is away.' }, newest), /, not in sync; version 12, of /);
  assert.equal(
    describeSource({ ...status, kinds, synced: false }, { version: 0, publishedAt: undefined }),
    'kubernetes https://10.0.0.1:6443, not read yet; nothing is served yet.',
  );
});
