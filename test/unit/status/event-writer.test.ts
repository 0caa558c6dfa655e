import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventFacts } from '#gateway/control/status/event.ts';
import { EventWriter, REPEAT_MS } from '#gateway/control/status/event-writer.ts';
import { clientOf, shopServer } from '../change/cluster-kit.ts';
import { eventsOf } from './status-kit.ts';

const KEY = 'VirtualService/default/shop';

function fact(now: number, message = 'Broken.'): EventFacts {
  const target = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    namespace: 'default',
    name: 'shop',
    uid: 'some-uid',
  };
  return { target, type: 'Warning', reason: 'IST0101', message, occasion: 'spec', repeats: true, node: 'edge-1', now };
}

test('an Event is told once, again while it lasts, again when it comes back, with its count', async (context) => {
  const server = await shopServer(context);
  const writer = new EventWriter(clientOf(context, server));
  const count = (): number[] => eventsOf(server).map((event) => event.count);
  await writer.tell(KEY, [fact(0)], 0);
  await writer.tell(KEY, [fact(1_000)], 1_000);
  assert.deepEqual(count(), [1]);
  assert.ok(!writer.isDue(KEY, [fact(REPEAT_MS - 1)]));
  assert.ok(writer.isDue(KEY, [fact(REPEAT_MS)]));
  await writer.tell(KEY, [fact(REPEAT_MS)], REPEAT_MS);
  assert.deepEqual(count(), [2]);
  assert.ok(writer.isDue(KEY, []));
  await writer.tell(KEY, [], REPEAT_MS + 1);
  assert.ok(!writer.isDue(KEY, []));
  await writer.tell(KEY, [fact(REPEAT_MS + 2)], REPEAT_MS + 2);
  assert.deepEqual(count(), [3]);
  server.delete(eventsOf(server)[0] as { metadata: { name: string } });
  await writer.tell(KEY, [fact(2 * REPEAT_MS + 2)], 2 * REPEAT_MS + 2);
  assert.deepEqual(count(), [1]);
});

test('a warning is told once only', async (context) => {
  const server = await shopServer(context);
  const writer = new EventWriter(clientOf(context, server));
  assert.ok(await writer.tell(KEY, [{ ...fact(0), repeats: false }], 0));
  assert.ok(!writer.isDue(KEY, [{ ...fact(2 * REPEAT_MS), repeats: false }]));
  assert.ok(!(await writer.tell(KEY, [{ ...fact(2 * REPEAT_MS), repeats: false }], 2 * REPEAT_MS)));
});

test('what another node has told already is not told again', async (context) => {
  const server = await shopServer(context);
  const api = clientOf(context, server);
  await new EventWriter(api).tell(KEY, [fact(0)], 0);
  const [before] = eventsOf(server);
  await new EventWriter(api).tell(KEY, [fact(5_000)], 5_000);
  assert.deepEqual(eventsOf(server), [before]);
});

test('an object with the longest of names has Events, of names that API servers take', async (context) => {
  const server = await shopServer(context);
  const name = `${'a'.repeat(199)}-${'b'.repeat(53)}`;
  const facts = { ...fact(0), target: { ...fact(0).target, name } };
  assert.ok(await new EventWriter(clientOf(context, server)).tell(KEY, [facts], 0));
  assert.equal(eventsOf(server).length, 1);
});

test('a message longer than API servers take is cut', async (context) => {
  const server = await shopServer(context);
  await new EventWriter(clientOf(context, server)).tell(KEY, [fact(0, 'x'.repeat(5_000))], 0);
  assert.equal(eventsOf(server)[0]?.message.length, 1_024);
});

test('what comes and goes all the time is told 25 times, then every five minutes', async (context) => {
  const server = await shopServer(context);
  const writer = new EventWriter(clientOf(context, server));
  let now = 0;
  const comesAndGoes = async (): Promise<void> => {
    await writer.tell(KEY, [fact(now)], now);
    await writer.tell(KEY, [], now);
  };
  for (let i = 0; i < 40; i += 1) await comesAndGoes();
  assert.deepEqual(
    eventsOf(server).map(({ count }) => count),
    [25],
  );
  assert.ok(!writer.isDue(KEY, [fact(now)]));
  now += 5 * 60_000;
  assert.ok(writer.isDue(KEY, [fact(now)]));
  await comesAndGoes();
  await comesAndGoes();
  assert.equal(eventsOf(server)[0]?.count, 26);
  // An hour after its end it is forgotten here too: told again, it is another one unless the API server still has it.
  writer.sweep(now + 2 * 60 * 60_000);
  await writer.tell(KEY, [fact(now + 2 * 60 * 60_000)], now + 2 * 60 * 60_000);
  assert.equal(eventsOf(server)[0]?.count, 26);
});
