import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from '#gateway/control/status/work-queue.ts';

test('each key waits once, and not before its time', () => {
  const queue = new WorkQueue(10);
  queue.add('a', 200, 'told');
  queue.add('a', 500, 'told');
  queue.add('b', 100, 'told');
  assert.equal(queue.take(90), undefined);
  assert.equal(queue.take(100)?.key, 'b');
  assert.equal(queue.take(200)?.key, 'a');
  assert.equal(queue.take(10_000), undefined);
});

test('what was told, and of that what is broken, goes before ten thousand that were found, also when it was one of them', () => {
  const queue = new WorkQueue(20_000);
  for (let i = 0; i < 10_000; i += 1) queue.add(`healthy-${i}`, 0, 'found');
  queue.add('healthy-8000', 0, 'told');
  queue.add('broken', 0, 'told-broken');
  queue.add('healthy-9000', 0, 'soon');
  queue.add('broken', 0, 'found');
  assert.deepEqual(
    [1, 2, 3, 4].map(() => queue.take(0)?.key),
    ['broken', 'healthy-8000', 'healthy-9000', 'healthy-0'],
  );
  let left = 0;
  while (queue.take(0) !== undefined) left += 1;
  assert.equal(left, 9_997);
});

test('of some lanes only is nothing taken from the others', () => {
  const queue = new WorkQueue(10);
  queue.add('a', 0, 'found');
  assert.equal(queue.take(0, ['told-broken', 'told']), undefined);
  assert.equal(queue.take(0)?.key, 'a');
});

test('what fails comes again later each time, and not before the API server wants', () => {
  const queue = new WorkQueue(10);
  const dues: number[] = [];
  for (let failures = 0; failures < 10; failures += 1) {
    queue.again({ key: 'a', lane: 'told', failures }, 0);
    let due = 0;
    while (queue.take(due) === undefined) due += 500;
    dues.push(due / 1_000);
  }
  assert.deepEqual(dues, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  queue.again({ key: 'a', lane: 'told', failures: 0 }, 0, 7_000);
  assert.equal(queue.take(6_999), undefined);
  assert.equal(queue.take(7_000)?.failures, 1);
});

test('what is told of a key that is being worked on stands, when the work is put off or fails', () => {
  const queue = new WorkQueue(10);
  queue.add('a', 0, 'found');
  const turn = queue.take(0);
  assert.ok(turn);
  queue.add('a', 100, 'told');
  queue.postpone(turn, 5_000);
  assert.equal(queue.take(100)?.lane, 'told');
  queue.add('a', 200, 'told');
  queue.again(turn, 100);
  assert.equal(queue.take(2_000), undefined);
  assert.deepEqual(queue.take(2_100), { key: 'a', lane: 'told', failures: 1 });
});

test('a full queue takes no more, and says so once, when there is room again', () => {
  const queue = new WorkQueue(2);
  for (const key of ['a', 'b', 'c']) queue.add(key, 0, 'found');
  assert.equal(queue.hasOverflowed(), false);
  assert.equal(queue.take(0)?.key, 'a');
  assert.deepEqual([queue.hasOverflowed(), queue.hasOverflowed()], [true, false]);
  assert.deepEqual([queue.take(0)?.key, queue.take(0)], ['b', undefined]);
});
