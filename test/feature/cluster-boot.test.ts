/** Starts of the whole program while the cluster cannot be asked. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';
import { requires } from '../kit/require.ts';

/** A program and its cluster, over several starts. */
class Appliance {
  readonly cluster: ClusterGateway;

  private constructor(cluster: ClusterGateway) {
    this.cluster = cluster;
  }

  static async start(): Promise<Appliance> {
    const cluster = await ClusterGateway.start();
    const appliance = new Appliance(cluster);
    try {
      await appliance.kept();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return appliance;
  }

  get lastGood(): string {
    return path.join(this.cluster.gateway.dir, 'state', 'last-good', 'manifest.json');
  }

  /** The last good snapshot is on disk. */
  kept(): Promise<unknown> {
    return eventually(() => readFileSync(this.lastGood, 'utf8').includes('version'), { timeoutMs: 15_000 });
  }

  async answers(): Promise<string[]> {
    const all = await Promise.all(Array.from({ length: 20 }, () => get(this.cluster.gateway.httpPort, '/')));
    return [...new Set(all.map(({ status, body }) => `${status} ${body.trim()}`))].sort();
  }

  async health(): Promise<string> {
    return (await get(this.cluster.gateway.healthPort, '/healthz/ready?verbose')).body;
  }

  async metrics(): Promise<string> {
    return (await get(this.cluster.gateway.metricsPort, '/metrics')).body;
  }
}

// Most of a start is waiting: the rows go on side by side, each with a cluster and a program of its own; in a row one
// test begins with what the one before it left.
describe('starts', { concurrency: true }, () => {
  describe('without the cluster', { concurrency: false }, () => {
    let appliance: Appliance;
    before(async () => {
      appliance = await Appliance.start();
    });
    after(() => appliance?.cluster.stop());

    test('status, health and metrics tell that the cluster is in sync', async () => {
      await eventually(async () => (await appliance.health()).includes(', in sync'));
      const text = await appliance.metrics();
      assert.match(text, /mesh_gateway_source_synced 1\n/);
      assert.match(text, /mesh_gateway_source_lag_seconds\{kind="VirtualService",group="networking\.istio\.io"\} 0\n/);
      assert.match(text, /mesh_gateway_source_kind_objects\{kind="Pod",group=""\} 2\n/);
      assert.match(text, /mesh_gateway_source_last_sync_timestamp_seconds\{kind="EndpointSlice"/);
    });

    test('a node that boots into an outage serves its last good snapshot, is ready, and says how old that is', async () => {
      await appliance.cluster.gateway.terminate();
      await appliance.cluster.way.down();
      await appliance.cluster.gateway.boot();
      assert.deepEqual(await appliance.answers(), ['200 v1', '200 v2']);
      const text = await eventually(
        async () => /not in sync.*refused.*/.test(await appliance.health()) && appliance.health(),
        {
          timeoutMs: 25_000,
          what: await appliance.health(),
        },
      );
      assert.match(
        text,
        /\[i\] source: kubernetes .*not in sync; version \d+, of 2\d{3}-[^ ]+Z, is served\. .*connection refused/,
      );
      assert.match(text, /ready\n$/);
      assert.match(await appliance.metrics(), /mesh_gateway_source_trouble 1\n/);
      assert.deepEqual(await appliance.answers(), ['200 v1', '200 v2'], 'also after the source has given up waiting');
    });

    test('when the cluster is back, what has changed meanwhile is served', async () => {
      appliance.cluster.setWeights(0, 100);
      await appliance.cluster.way.up();
      await eventually(async () => (await appliance.answers()).join() === '200 v2', { timeoutMs: 20_000 });
      await eventually(async () => (await appliance.cluster.gateway.problems()).length === 0, { timeoutMs: 20_000 });
      assert.match(await appliance.health(), /ready\n$/);
    });

    test('a last good snapshot of another version of the program is not loaded: accepted objects serve without the cluster', async () => {
      await appliance.kept();
      await appliance.cluster.gateway.terminate();
      await appliance.cluster.way.down();
      const manifest = JSON.parse(readFileSync(appliance.lastGood, 'utf8')) as object;
      writeFileSync(appliance.lastGood, JSON.stringify({ ...manifest, schema: 999 }));
      await appliance.cluster.gateway.boot();
      assert.deepEqual(await appliance.answers(), ['200 v2']);
      await appliance.cluster.way.up();
      await eventually(async () => (await appliance.cluster.gateway.problems()).length === 0, { timeoutMs: 20_000 });
    });
  });

  describe('with a state directory that fails', { concurrency: false }, () => {
    let appliance: Appliance;
    before(async () => {
      appliance = await Appliance.start();
    });
    after(() => appliance?.cluster.stop());

    test('a state directory that cannot be written costs nothing but its memory, and is told', async () => {
      const accepted = path.join(appliance.cluster.gateway.dir, 'state', 'accepted');
      // Where even root may not write: a file in the place of the folder.
      await appliance.cluster.gateway.terminate();
      renameSync(accepted, `${accepted}.away`);
      writeFileSync(accepted, '');
      chmodSync(accepted, 0o400);
      await appliance.cluster.gateway.boot();
      appliance.cluster.setWeights(100, 0);
      await eventually(async () => (await appliance.answers()).join() === '200 v1', { timeoutMs: 20_000 });
      assert.match((await appliance.cluster.gateway.problems()).join('\n'), /cannot be kept/);
    });

    test('on a full disk changes are served, nothing fails, and people are told', {
      skip: requires({ root: true }),
    }, async (context) => {
      const state = path.join(appliance.cluster.gateway.dir, 'state');
      await appliance.cluster.gateway.terminate();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', state]);
      context.after(async () => {
        await appliance.cluster.gateway.terminate();
        execFileSync('umount', [state]);
      });
      await appliance.cluster.gateway.boot();
      const load = startLoad({ port: appliance.cluster.gateway.httpPort, keptAlive: 1, fresh: 1 });
      appliance.cluster.setWeights(0, 100);
      await eventually(async () => (await appliance.answers()).join() === '200 v2', { timeoutMs: 20_000 });
      await eventually(
        async () => /cannot be kept.*no space/is.test((await appliance.cluster.gateway.problems()).join()),
        {
          timeoutMs: 15_000,
          what: (await appliance.cluster.gateway.problems()).join('\n'),
        },
      );
      const { failed, reasons } = await load.stop();
      assert.equal(failed, 0, reasons.join('\n'));
    });
  });
});
