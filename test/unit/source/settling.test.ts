import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Settled, Settling } from '#gateway/control/source/settling.ts';
import { ManualTimers } from '../../kit/manual-timers.ts';

function start(): { timers: ManualTimers; settling: Settling; taken: () => string[] } {
  const timers = new ManualTimers();
  const settled: Settled[] = [];
  const settling = new Settling({ timers, ready: (paths) => void settled.push(...paths) });
  return { timers, settling, taken: () => settled.splice(0).map(({ path, kind }) => `${path} ${kind}`) };
}

test('a renamed file is taken after a few milliseconds, with all that came in the same moment', () => {
  const { timers, settling, taken } = start();
  settling.renamed('a');
  timers.advance(4);
  settling.renamed('b');
  assert.deepEqual(taken(), []);
  timers.advance(5);
  assert.deepEqual(taken(), ['a renamed', 'b renamed']);
});

test('a file that is written in place is taken after 250 ms of quiet', () => {
  const { timers, settling, taken } = start();
  settling.renamed('a');
  for (let write = 0; write < 5; write++) {
    settling.written('a');
    timers.advance(200);
    assert.deepEqual(taken(), []);
  }
  timers.advance(50);
  assert.deepEqual(taken(), ['a quiet']);
});

test('files that go one after another are taken together, at the latest 600 ms after the first', () => {
  const { timers, settling, taken } = start();
  for (const file of ['a', 'b', 'c', 'd']) {
    settling.gone(file);
    timers.advance(150);
  }
  assert.deepEqual(taken(), ['a gone', 'b gone', 'c gone', 'd gone']);
});

test('a file that comes back in time was never gone', () => {
  const { timers, settling, taken } = start();
  settling.gone('a');
  timers.advance(100);
  settling.renamed('a');
  timers.advance(1_000);
  assert.deepEqual(taken(), ['a renamed']);
});

test('ten thousand events cost one timer', () => {
  const { timers, settling, taken } = start();
  for (let file = 0; file < 10_000; file++) settling.renamed(`f${file}`);
  assert.equal(timers.pending, 1);
  timers.advance(5);
  assert.equal(taken().length, 10_000);
});
