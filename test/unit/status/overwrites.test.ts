import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '#gateway/control/status/condition.ts';
import { MAX_OVERWRITES, Overwrites } from '#gateway/control/status/overwrites.ts';

const KEY = 'VirtualService/default/shop';
const OURS: Condition = { status: 'True', reason: 'Accepted', message: 'Served as written.', observedGeneration: 1 };
const THEIRS: Condition = { ...OURS, status: 'False', reason: 'Other' };

test('an object is left to another writer after so many overwrites, until it is changed itself', () => {
  const overwrites = new Overwrites();
  for (let round = 1; round <= MAX_OVERWRITES; round += 1) {
    assert.ok(!overwrites.isGivenUp(KEY, 1));
    assert.deepEqual(overwrites.problems(), []);
    overwrites.wrote(KEY, OURS);
    overwrites.seen(KEY, round % 2 === 0 ? THEIRS : undefined, 1);
  }
  assert.ok(overwrites.isGivenUp(KEY, 1));
  assert.deepEqual(
    overwrites.problems().map(({ code }) => code),
    ['MG1403'],
  );
  assert.ok(!overwrites.isGivenUp(KEY, 2));
  overwrites.gone(KEY);
  assert.deepEqual(overwrites.problems(), []);
});

test('what is still as we wrote it is no overwrite, and one is counted once', () => {
  const overwrites = new Overwrites();
  overwrites.wrote(KEY, OURS);
  for (let i = 0; i < 10; i += 1) overwrites.seen(KEY, OURS, 1);
  for (let i = 0; i < 10; i += 1) overwrites.seen(KEY, THEIRS, 1);
  assert.ok(!overwrites.isGivenUp(KEY, 1));
});
