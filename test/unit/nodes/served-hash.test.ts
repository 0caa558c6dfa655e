import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedHash } from '#gateway/roles/served-hash.ts';
import { NO_UNITS } from '#gateway/snapshot/diff.ts';
import { hashUnits } from '#gateway/snapshot/hash.ts';
import type { VirtualHost } from '#gateway/snapshot/route.ts';
import type { Snapshot } from '#gateway/snapshot/snapshot.ts';
import { UnitTable } from '#gateway/snapshot/unit-table.ts';
import { snapshotOf, tablesOf, unitsOf } from '#gateway/snapshot/units.ts';

const HOSTS = 3_000;

/** Each version has its own first host. */
function aSnapshot(version: number): Snapshot {
  const host = (index: number): [string, VirtualHost] => {
    const domain = `h${index === 0 ? `-version${version}` : index}.example`;
    return [domain, { key: domain, listener: 'http.31380', domain, routes: [] }];
  };
  const virtualHosts = UnitTable.empty<VirtualHost>().with(
    Array.from({ length: HOSTS }, (_, index) => host(index)),
    [],
  );
  return snapshotOf(version, unitsOf({ ...tablesOf(NO_UNITS), virtualHosts }));
}

test('what is told is the hash of what is served now, also while an older version is still being hashed', async () => {
  let served: Snapshot | undefined;
  const hash = new ServedHash(() => served);
  assert.equal(hash.current, '');
  const [first, second] = [aSnapshot(1), aSnapshot(2)];
  const [firstHash, secondHash] = [hashUnits(aSnapshot(1)), hashUnits(aSnapshot(2))];
  assert.notEqual(firstHash, secondHash);
  served = first;
  hash.changed();
  served = second;
  hash.changed();
  assert.equal(hash.current, secondHash);
  // The older one is done meanwhile.
  for (let turn = 0; turn < 200; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(hash.current, secondHash);
  }
  served = first;
  assert.equal(hash.current, firstHash);
});
