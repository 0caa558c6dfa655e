import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from '#gateway/control/status/work-queue.ts';

test('each key waits once, and not before its time', () => {
  const queue = new WorkQueue(10);
  queue.add('a', 100);
  queue.add('a', 500);
  queue.add('b', 50);
  assert.equal(queue.take(40), undefined);
  assert.equal(queue.take(60)?.key, 'b');
  assert.equal(queue.take(100)?.key, 'a');
  assert.equal(queue.take(10_000), undefined);
});

test('what fails comes again later each time, and not before the API server wants', () => {
  const queue = new WorkQueue(10);
  const dues: number[] = [];
  for (let failures = 0; failures < 10; failures += 1) {
    queue.again('a', failures, 0);
    let due = 0;
    while (queue.take(due) === undefined) due += 500;
    dues.push(due / 1_000);
  }
  assert.deepEqual(dues, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  queue.again('a', 0, 0, 7_000);
  assert.equal(queue.take(6_999), undefined);
  assert.equal(queue.take(7_000)?.failures, 1);
});

test('a full queue takes no more, and says so once', () => {
  const queue = new WorkQueue(2);
  for (const key of ['a', 'b', 'c']) queue.add(key, 0);
  assert.deepEqual([queue.hasOverflowed(), queue.hasOverflowed()], [true, false]);
  assert.deepEqual([queue.take(0)?.key, queue.take(0)?.key, queue.take(0)], ['a', 'b', undefined]);
});
