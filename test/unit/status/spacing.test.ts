import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spacing } from '#gateway/control/status/spacing.ts';

const KEY = 'VirtualService/default/shop';

test('ten writes to an object may follow each other, then one every ten seconds, until it is at rest', () => {
  const spacing = new Spacing({ burst: 10, everyMs: 10_000 });
  const gaps: number[] = [];
  let now = 1_000;
  for (let write = 0; write < 13; write += 1) {
    spacing.wrote(KEY, now);
    const earliest = Math.max(now, spacing.earliest(KEY));
    gaps.push((earliest - now) / 1_000);
    now = earliest;
  }
  assert.deepEqual(gaps, [0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 10, 10, 10]);
  assert.ok(spacing.isRestless(KEY, now));
  now += 60_000;
  assert.ok(!spacing.isRestless(KEY, now));
  spacing.wrote('VirtualService/default/other', now + 60_000);
  assert.ok(spacing.earliest(KEY) <= now);
});
