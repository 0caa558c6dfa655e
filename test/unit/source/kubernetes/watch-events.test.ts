import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type WatchEvent, watchEvents } from '#gateway/control/source/kubernetes/watch-events.ts';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text, 'latin1');
}

async function read(...texts: readonly string[]): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const some of watchEvents(chunks(...texts))) events.push(...some);
  return events;
}

const line = (name: string): string =>
  Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { name } })}\n`).toString('latin1');

test('events are whole wherever the stream is cut into pieces, inside of a character too', async () => {
  const text = line('ä') + line('b') + line('→');
  for (let at = 1; at < text.length; at += 1) {
    const names = (await read(text.slice(0, at), text.slice(at))).map(
      ({ object }) => (object as { name: string }).name,
    );
    assert.deepEqual(names, ['ä', 'b', '→']);
  }
  assert.equal((await read(...text.split(''))).length, 3, 'byte by byte');
});

test('a line that the end cuts off is no event but a failure, after those that were whole', async () => {
  let whole = 0;
  await assert.rejects(async () => {
    for await (const events of watchEvents(chunks(line('a'), line('b').slice(0, -2)))) whole += events.length;
  }, /ended inside of an event/);
  assert.equal(whole, 1);
});

test('what is no event of a watch is an error', async () => {
  await assert.rejects(read('<html>\n'), /not JSON/);
  await assert.rejects(read('{"object":{}}\n'), /no type/);
});

test('a line without end is given up before it fills the memory', async () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  await assert.rejects(read(...Array.from({ length: 20 }, () => megabyte)), /longer than/);
});

test('the largest object that etcd takes comes whole, in pieces of any size', async () => {
  const name = '→'.repeat(Math.floor((1.5 * 1024 * 1024) / 3));
  const text = line(name) + line('next');
  const pieces = Array.from({ length: Math.ceil(text.length / 16_383) }, (_, index) =>
    text.slice(index * 16_383, (index + 1) * 16_383),
  );
  const names = (await read(...pieces)).map(({ object }) => (object as { name: string }).name);
  assert.ok(names.length === 2 && names[0] === name && names[1] === 'next');
});
