import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionShare } from '../../../gateway/proxy/listen/share.ts';

test('a worker alone is never over its share', () => {
  assert.equal(new ConnectionShare().isOver(10_000), false);
});

test('a worker leaves the queue to others once it is sixteen ahead of the least loaded', () => {
  const share = new ConnectionShare();
  share.update([0, 40]);
  assert.equal(share.isOver(16), false);
  assert.equal(share.isOver(17), true);
});

test('at high counts a quarter of the mean may lie between workers', () => {
  const share = new ConnectionShare();
  share.update([1_000]);
  assert.equal(share.isOver(1_250), false);
  assert.equal(share.isOver(1_251), true);
});

test('others of whom nothing is heard are no reason to wait, until they are heard again', () => {
  const share = new ConnectionShare();
  share.update([0]);
  share.distrust();
  assert.equal(share.isOver(500), false);
  assert.equal(share.update([0]), false);
  assert.equal(share.isOver(500), false);
  assert.equal(share.update([3]), true);
  assert.equal(share.isOver(500), true);
});
