import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcceptWidth } from '../../../gateway/proxy/listen/accept-width.ts';

/** A loop whose turns all take `turnMs`, and a clock that goes with it. */
function aLoop() {
  let [now, turns, activeMs] = [0, 0, 0];
  const width = new AcceptWidth(
    () => ({ turns, activeMs }),
    () => now,
  );
  const run = (count: number, turnMs: number): boolean => {
    turns += count;
    activeMs += count * turnMs;
    now += count * Math.max(turnMs, 1);
    return width.review();
  };
  return { width, run };
}

test('an idle worker listens on one copy of a socket', () => {
  const { width, run } = aLoop();
  assert.equal(width.current, 1);
  assert.equal(run(100, 0.05), false);
  assert.equal(width.current, 1);
});

test('a worker with long turns listens on eight, and on one again when they are short', () => {
  const { width, run } = aLoop();
  assert.equal(run(10, 8), true);
  assert.equal(width.current, 8);
  assert.equal(run(10, 8), false, 'it is so already');
  assert.equal(run(100, 0.7), false, 'between the two bounds nothing changes');
  assert.equal(width.current, 8);
  assert.equal(run(100, 0.2), true);
  assert.equal(width.current, 1);
});

test('it is not looked at more often than every 50 ms', () => {
  const { width, run } = aLoop();
  assert.equal(run(5, 9), false);
  assert.equal(width.current, 1);
  assert.equal(run(5, 9), true);
});
