import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleCollector } from '#gateway/roles/idle-collector.ts';
import { ManualTimers } from '../../kit/manual-timers.ts';

const MB = 1024 * 1024;

/** A heap of which `live` bytes live. */
function heap(live: number) {
  const timers = new ManualTimers();
  const state = { used: live, live, collections: 0 };
  const collector = new IdleCollector({
    heapUsed: () => state.used,
    collect: () => {
      state.collections += 1;
      state.used = state.live;
    },
    timers,
  });
  const work = (garbage: number): void => {
    state.used += garbage;
    collector.worked();
  };
  return { state, timers, work };
}

test('what a start leaves is collected once nothing has happened for a while, and not while something does', () => {
  const { state, timers, work } = heap(300 * MB);
  for (let round = 0; round < 50; round++) {
    work(5 * MB);
    timers.advance(1_000);
    assert.equal(state.collections, 0);
  }
  timers.advance(1_000);
  assert.equal(state.collections, 1);
  assert.equal(state.used, 300 * MB);
});

test('a little garbage is not worth it; it adds up', () => {
  const { state, timers, work } = heap(300 * MB);
  work(100 * MB);
  timers.advance(2_000);
  assert.equal(state.collections, 1);
  for (let change = 0; change < 9; change++) {
    work(5 * MB);
    timers.advance(10_000);
  }
  assert.equal(state.collections, 1);
  work(5 * MB);
  timers.advance(10_000);
  assert.equal(state.collections, 2);
});

test('a small heap is left to itself', () => {
  const { state, timers, work } = heap(20 * MB);
  work(10 * MB);
  timers.advance(10_000);
  assert.equal(state.collections, 0);
});

test('what was collected of its own accord is not looked for again', () => {
  const { state, timers, work } = heap(300 * MB);
  work(100 * MB);
  timers.advance(2_000);
  state.live = 100 * MB;
  state.used = 100 * MB;
  work(10 * MB);
  timers.advance(2_000);
  work(40 * MB);
  timers.advance(2_000);
  assert.equal(state.collections, 1);
  work(20 * MB);
  timers.advance(2_000);
  assert.equal(state.collections, 2);
});
