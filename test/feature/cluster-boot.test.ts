/** Starts of the whole program while the cluster cannot be asked. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';
import { requires } from '../kit/require.ts';

let cluster: ClusterGateway;

before(async () => {
  cluster = await ClusterGateway.start();
  await kept();
});

after(() => cluster?.stop());

const lastGood = (): string => path.join(cluster.gateway.dir, 'state', 'last-good', 'manifest.json');

/** The last good snapshot is on disk. */
function kept(): Promise<unknown> {
  return eventually(() => readFileSync(lastGood(), 'utf8').includes('version'), { timeoutMs: 15_000 });
}

async function answers(): Promise<string[]> {
  const all = await Promise.all(Array.from({ length: 20 }, () => get(cluster.gateway.httpPort, '/')));
  return [...new Set(all.map(({ status, body }) => `${status} ${body.trim()}`))].sort();
}

async function health(): Promise<string> {
  return (await get(cluster.gateway.healthPort, '/healthz/ready?verbose')).body;
}

async function metrics(): Promise<string> {
  return (await get(cluster.gateway.metricsPort, '/metrics')).body;
}

test('status, health and metrics tell that the cluster is in sync', async () => {
  await eventually(async () => (await health()).includes(', in sync'));
  const text = await metrics();
  assert.match(text, /mesh_gateway_source_synced 1\n/);
  assert.match(text, /mesh_gateway_source_lag_seconds\{kind="VirtualService",group="networking\.istio\.io"\} 0\n/);
  assert.match(text, /mesh_gateway_source_kind_objects\{kind="Pod",group=""\} 2\n/);
  assert.match(text, /mesh_gateway_source_last_sync_timestamp_seconds\{kind="EndpointSlice"/);
});

test('a node that boots into an outage serves its last good snapshot, is ready, and says how old that is', async () => {
  await cluster.gateway.terminate();
  await cluster.way.down();
  await cluster.gateway.boot();
  assert.deepEqual(await answers(), ['200 v1', '200 v2']);
  const text = await eventually(async () => /not in sync.*refused.*/.test(await health()) && health(), {
    timeoutMs: 25_000,
    what: await health(),
  });
  assert.match(
    text,
    /\[i\] source: kubernetes .*not in sync; version \d+, of 2\d{3}-[^ ]+Z, is served\. .*connection refused/,
  );
  assert.match(text, /ready\n$/);
  assert.match(await metrics(), /mesh_gateway_source_trouble 1\n/);
  assert.deepEqual(await answers(), ['200 v1', '200 v2'], 'also after the source has given up waiting');
});

test('when the cluster is back, what has changed meanwhile is served', async () => {
  cluster.setWeights(0, 100);
  await cluster.way.up();
  await eventually(async () => (await answers()).join() === '200 v2', { timeoutMs: 20_000 });
  await eventually(async () => (await cluster.gateway.problems()).length === 0, { timeoutMs: 20_000 });
  assert.match(await health(), /ready\n$/);
});

test('a last good snapshot of another version of the program is not loaded: accepted objects serve without the cluster', async () => {
  await kept();
  await cluster.gateway.terminate();
  await cluster.way.down();
  const manifest = JSON.parse(readFileSync(lastGood(), 'utf8')) as object;
  writeFileSync(lastGood(), JSON.stringify({ ...manifest, schema: 999 }));
  await cluster.gateway.boot();
  assert.deepEqual(await answers(), ['200 v2']);
  await cluster.way.up();
  await eventually(async () => (await cluster.gateway.problems()).length === 0, { timeoutMs: 20_000 });
});

test('a state directory that cannot be written costs nothing but its memory, and is told', async () => {
  const accepted = path.join(cluster.gateway.dir, 'state', 'accepted');
  // Where even root may not write: a file in the place of the folder.
  await cluster.gateway.terminate();
  renameSync(accepted, `${accepted}.away`);
  writeFileSync(accepted, '');
  chmodSync(accepted, 0o400);
  await cluster.gateway.boot();
  cluster.setWeights(100, 0);
  await eventually(async () => (await answers()).join() === '200 v1', { timeoutMs: 20_000 });
  assert.match((await cluster.gateway.problems()).join('\n'), /cannot be kept/);
});

test('on a full disk changes are served, nothing fails, and people are told', {
  skip: requires({ root: true }),
}, async (context) => {
  const state = path.join(cluster.gateway.dir, 'state');
  await cluster.gateway.terminate();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', state]);
  context.after(async () => {
    await cluster.gateway.terminate();
    execFileSync('umount', [state]);
  });
  await cluster.gateway.boot();
  const load = startLoad({ port: cluster.gateway.httpPort, keptAlive: 1, fresh: 1 });
  cluster.setWeights(0, 100);
  await eventually(async () => (await answers()).join() === '200 v2', { timeoutMs: 20_000 });
  await eventually(async () => /cannot be kept.*no space/is.test((await cluster.gateway.problems()).join()), {
    timeoutMs: 15_000,
    what: (await cluster.gateway.problems()).join('\n'),
  });
  const { failed, reasons } = await load.stop();
  assert.equal(failed, 0, reasons.join('\n'));
});
