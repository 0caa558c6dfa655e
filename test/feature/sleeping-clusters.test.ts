// Clusters that no request has needed yet are kept as they came from the snapshot's file, and are served all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerDelta } from '#gateway/snapshot/snapshot.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aCluster, aDelta, allTo, startProxy } from '#test/kit/proxy.ts';
import { ok, startRawBackend } from '#test/kit/raw-backend.ts';
import { exchangeRaw } from '#test/kit/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const { key } = aCluster([]);

/** Deltas as workers read them from files, and as plain units. */
const forms: readonly (readonly [string, (delta: WorkerDelta) => WorkerDelta])[] = [
  ['as text', asText],
  ['as units', (delta) => delta],
];

function asText(delta: WorkerDelta): WorkerDelta {
  const entries = Object.entries(delta.set.clusters).map(([name, unit]) => [name, JSON.stringify(unit)]);
  return { ...delta, set: { ...delta.set, clusters: Object.fromEntries(entries) } };
}

/** A gateway and backends that answer with their number; nothing was asked for yet. */
async function setUp(form: (delta: WorkerDelta) => WorkerDelta) {
  const backends = await Promise.all(
    [1, 2, 3].map((name) => startRawBackend(({ socket }) => socket.write(ok(`${name}`)))),
  );
  const to = (number: number) => backends[number - 1]?.port ?? 0;
  const gateway = await startProxy({ snapshot: form(allTo(to(1))) });
  let version = 1;
  const deltaTo = (
    clusters: Parameters<typeof aDelta>[2]['clusters'],
    removed: readonly string[] = [],
  ): WorkerDelta => {
    version += 1;
    return form(aDelta(version - 1, version, { ...(clusters && { clusters }) }, { clusters: removed }));
  };
  return {
    gateway,
    backends,
    to,
    deltaTo,
    ask: () => exchangeRaw(gateway.port, GET),
    counted: () =>
      [...gateway.proxy.readings().requests]
        .filter(({ labels }) => labels['destination_service_name'] === 'myapp')
        .reduce((sum, { requests }) => sum + requests, 0),
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

for (const [name, form] of forms) {
  test(`the first request of a cluster goes by its newest version, the next by those that follow (${name})`, async () => {
    await using kit = await setUp(form);
    kit.gateway.serve(kit.deltaTo([aCluster([kit.to(2)])]));
    kit.gateway.serve(kit.deltaTo([aCluster([kit.to(3)])]));
    assert.equal((await kit.ask()).body, '3');
    kit.gateway.serve(kit.deltaTo([aCluster([kit.to(1)])]));
    assert.equal((await kit.ask()).body, '1');
    assert.equal(kit.counted(), 2);
  });

  test(`a first request while a version is made ready goes by the one before it (${name})`, async () => {
    await using kit = await setUp(form);
    const prepared = kit.gateway.proxy.prepare(kit.deltaTo([aCluster([kit.to(2)])]));
    assert.equal((await kit.ask()).body, '1');
    kit.gateway.proxy.commit(prepared);
    await eventually(() => kit.backends[0]?.connections[0]?.gone, { what: 'the connection to what it left ends' });
    assert.equal((await kit.ask()).body, '2');
  });

  test(`a cluster that goes before anybody asked for it is gone, and is served when it is back (${name})`, async () => {
    await using kit = await setUp(form);
    kit.gateway.serve(kit.deltaTo([], [key]));
    const { status, body } = await kit.ask();
    assert.deepEqual([status, body], [503, 'the destination of this route does not exist\n']);
    kit.gateway.serve(kit.deltaTo([aCluster([kit.to(2)])]));
    assert.equal((await kit.ask()).body, '2');
  });

  test(`counters of a cluster that is back stay in sight, whoever leaves after it (${name})`, async () => {
    await using kit = await setUp(form);
    await kit.ask();
    kit.gateway.serve(kit.deltaTo([], [key]));
    kit.gateway.serve(kit.deltaTo([aCluster([kit.to(2)])]));
    const { metrics } = kit.gateway;
    for (let other = 0; other < 600; other += 1) {
      metrics.destination(aCluster([], { key: `other ${other}`, serviceName: 'other' }));
      metrics.retire(`other ${other}`);
    }
    assert.equal(kit.counted(), 1);
    await kit.ask();
    assert.equal(kit.counted(), 2);
  });
}

test('a text that cannot be read costs one request a 500, and then says that there is no such cluster until there is one', async () => {
  await using kit = await setUp(asText);
  const broken = kit.deltaTo([aCluster([kit.to(2)])]);
  kit.gateway.serve({ ...broken, set: { ...broken.set, clusters: { [key]: '{"key":' } } });
  assert.equal((await kit.ask()).status, 500);
  assert.equal((await kit.ask()).status, 503);
  assert.equal(kit.gateway.errors.length, 1);
  kit.gateway.serve(kit.deltaTo([aCluster([kit.to(3)])]));
  assert.equal((await kit.ask()).body, '3');
});
