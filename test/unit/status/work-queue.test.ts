import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from '#gateway/control/status/work-queue.ts';

test('each key waits once, and not before its time', () => {
  const queue = new WorkQueue(10);
  queue.add('a', 100, 'urgent');
  queue.add('a', 500, 'urgent');
  queue.add('b', 50, 'urgent');
  assert.equal(queue.take(40), undefined);
  assert.equal(queue.take(60)?.key, 'b');
  assert.equal(queue.take(100)?.key, 'a');
  assert.equal(queue.take(10_000), undefined);
});

test('what is urgent goes before ten thousand that are routine, also when it was one of them', () => {
  const queue = new WorkQueue(20_000);
  for (let i = 0; i < 10_000; i += 1) queue.add(`healthy-${i}`, 0, 'routine');
  queue.add('broken', 0, 'urgent');
  queue.add('healthy-9000', 0, 'urgent');
  queue.add('broken', 0, 'routine');
  assert.deepEqual(
    [1, 2, 3].map(() => queue.take(0)?.key),
    ['broken', 'healthy-9000', 'healthy-0'],
  );
  let left = 0;
  while (queue.take(0) !== undefined) left += 1;
  assert.equal(left, 9_998);
});

test('what fails comes again later each time, and not before the API server wants', () => {
  const queue = new WorkQueue(10);
  const dues: number[] = [];
  for (let failures = 0; failures < 10; failures += 1) {
    queue.again({ key: 'a', failures }, 0);
    let due = 0;
    while (queue.take(due) === undefined) due += 500;
    dues.push(due / 1_000);
  }
  assert.deepEqual(dues, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  queue.again({ key: 'a', failures: 0 }, 0, 7_000);
  assert.equal(queue.take(6_999), undefined);
  assert.equal(queue.take(7_000)?.failures, 1);
});

test('a full queue takes no more, and says so once', () => {
  const queue = new WorkQueue(2);
  for (const key of ['a', 'b', 'c']) queue.add(key, 0, 'routine');
  assert.deepEqual([queue.hasOverflowed(), queue.hasOverflowed()], [true, false]);
  assert.deepEqual([queue.take(0)?.key, queue.take(0)?.key, queue.take(0)], ['a', 'b', undefined]);
});
