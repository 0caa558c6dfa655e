/** With traffic running, everything that an API server can do to us: no request fails, people are told, and what changes afterwards is served. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Faults } from '../kit/api-server/faults.ts';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';

let cluster: ClusterGateway;
let weight = 50;

before(async () => {
  cluster = await ClusterGateway.start();
});

after(() => cluster?.stop());

type Outage = {
  readonly what: string;
  readonly begin: (faults: Faults) => unknown;
  /** What people are told; absent: it passes without a word. */
  readonly told?: RegExp;
  /** Changes are served while it lasts, if later. */
  readonly bearable?: true;
};

const EVERYTHING_LISTED = { verbs: ['list', 'watch'] };

const OUTAGES: readonly Outage[] = [
  { what: 'down', begin: () => cluster.way.down(), told: /connection refused.*keep serving/ },
  { what: 'resetting every connection', begin: (faults) => faults.reset(), told: /keep serving/ },
  { what: 'flapping', begin: (faults) => faults.flap({ downMs: 400, upMs: 600 }), bearable: true },
  {
    what: 'slow',
    begin: (faults) => {
      faults.add({ kind: 'delay', delayMs: 1_000 });
      faults.breakConnections();
    },
    bearable: true,
  },
  {
    what: 'holding all bytes back',
    begin: () => {
      cluster.way.stall();
      cluster.server.faults.breakConnections();
    },
  },
  {
    what: 'answering 401 (an expired token)',
    begin: (faults) => refuseAll(faults, 401),
    told: /Unauthorized/,
  },
  { what: 'answering 403', begin: (faults) => refuseAll(faults, 403), told: /forbidden/ },
  { what: 'answering 429', begin: (faults) => refuseAll(faults, 429), told: /too many requests/ },
  { what: 'answering 500', begin: (faults) => refuseAll(faults, 500), told: /Internal error/ },
  {
    what: 'listing nothing',
    begin: (faults) => {
      faults.add({ kind: 'empty' });
      faults.failWatches(410);
    },
    told: /suddenly lists no Pod at all; this is held, not obeyed/,
  },
  {
    what: 'forbidding lists only',
    begin: (faults) => {
      faults.answer(403, EVERYTHING_LISTED);
      faults.failWatches(410);
    },
    told: /cannot be read: .*forbidden.*Give the account the right/,
  },
  {
    what: 'answering half of each list',
    begin: (faults) => {
      faults.add({ kind: 'truncated' }, EVERYTHING_LISTED);
      faults.failWatches(410);
    },
    told: /keep serving/,
  },
  { what: 'sending garbage into the watches', begin: (faults) => faults.garbleWatches() },
  { what: 'compacting all history', begin: (faults) => (cluster.server.compact(), faults.cutWatches()) },
];

function refuseAll(faults: Faults, status: number): void {
  faults.answer(status);
  faults.breakConnections();
}

for (const { what, begin, told, bearable } of OUTAGES) {
  test(`no request fails while the API server is ${what}, and a change after it is served`, async () => {
    const { server, gateway } = cluster;
    const load = startLoad({ port: gateway.httpPort, keptAlive: 2, fresh: 1 });
    try {
      await begin(server.faults);
      if (told !== undefined)
        await eventually(async () => told.test((await gateway.problems()).join('\n')), {
          timeoutMs: 20_000,
          what: `people are told of ${what}`,
        });
      const before = load.answered();
      await eventually(() => load.answered() > before + 200, { timeoutMs: 15_000 });
      if (bearable) await changeIsServed();
      assert.equal((await get(gateway.healthPort, '/healthz/ready')).status, 200, 'ready all the time');
      await server.faults.clear();
      await cluster.way.restore();
      await changeIsServed();
      await eventually(async () => (await gateway.problems()).length === 0, {
        timeoutMs: 60_000,
        what: `all is well again: ${(await gateway.problems()).join('\n')}`,
      });
    } finally {
      const { failed, answered, reasons } = await load.stop();
      assert.equal(failed, 0, `${failed} of ${answered} requests failed: ${reasons.join('\n')}`);
    }
  });
}

/** 100 % to one version, then to the other: every answer tells when it is served. */
async function changeIsServed(): Promise<void> {
  weight = weight === 100 ? 0 : 100;
  cluster.setWeights(weight, 100 - weight);
  const expected = weight === 100 ? 'v1' : 'v2';
  await eventually(
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => get(cluster.gateway.httpPort, '/')));
      return answers.every(({ body }) => body.trim() === expected);
    },
    { timeoutMs: 60_000, what: `the change of weights to ${weight} is served` },
  );
}
