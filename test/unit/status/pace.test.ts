import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '#gateway/control/status/pace.ts';

test('after a burst there are so many a second; what has begun may overdraw, and is waited for', () => {
  let now = 0;
  const pace = new Pace({ perSecond: 100, burst: 10, now: () => now });
  for (let i = 0; i < 10; i += 1) {
    assert.equal(pace.waitMs(), 0);
    pace.spend();
  }
  assert.equal(pace.waitMs(), 10);
  for (let i = 0; i < 5; i += 1) pace.spend();
  assert.equal(pace.waitMs(), 60);
  now += 60;
  assert.equal(pace.waitMs(), 0);
  assert.equal(pace.waitMs(4), 40);
  now += 3_600_000;
  for (let i = 0; i < 10; i += 1) pace.spend();
  assert.equal(pace.waitMs(), 10);
});
