/** With traffic running, everything that an API server can do to us: no request fails, people are told, and what changes afterwards is served. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Faults } from '../kit/api-server/faults.ts';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';

/** Most of an outage is waiting, by us and by the program: so many go on at a time, each with a cluster and a program of its own. */
const LANES = 3;

type Lane = { readonly cluster: ClusterGateway; weight: number };

const lanes: Lane[] = [];
const free: Lane[] = [];

before(async () => {
  const clusters = await Promise.all(Array.from({ length: LANES }, () => ClusterGateway.start()));
  lanes.push(...clusters.map((cluster) => ({ cluster, weight: 50 })));
  free.push(...lanes);
});

after(() => Promise.all(lanes.map(({ cluster }) => cluster.stop())));

type Outage = {
  readonly what: string;
  readonly begin: (faults: Faults, cluster: ClusterGateway) => unknown;
  /** What people are told; absent: it passes without a word. */
  readonly told?: RegExp;
  /** Changes are served while it lasts, if later. */
  readonly bearable?: true;
};

const EVERYTHING_LISTED = { verbs: ['list', 'watch'] };

const OUTAGES: readonly Outage[] = [
  { what: 'down', begin: (_, { way }) => way.down(), told: /connection refused.*keep serving/ },
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
    begin: (faults, { way }) => {
      way.stall();
      faults.breakConnections();
    },
  },
  {
    what: 'answering 401 (an expired token)',
    begin: (faults) => refuseAll(faults, 401),
    told: /Unauthorized/,
  },
  {
    what: 'answering 403',
    begin: (faults) => {
      // Of all that the source asks; what else is forbidden is told until its next try, ten minutes later.
      faults.answer(403, { verbs: ['get'], resources: [''] });
      faults.answer(403, EVERYTHING_LISTED);
      faults.breakConnections();
    },
    told: /forbidden/,
  },
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
  { what: 'compacting all history', begin: (faults, { server }) => (server.compact(), faults.cutWatches()) },
];

function refuseAll(faults: Faults, status: number): void {
  faults.answer(status);
  faults.breakConnections();
}

describe('with traffic running', { concurrency: LANES }, () => {
  for (const outage of OUTAGES)
    test(`no request fails while the API server is ${outage.what}, and a change after it is served`, async () => {
      const lane = free.pop() ?? assert.fail('there are as many lanes as tests at a time');
      try {
        await outlive(outage, lane);
      } finally {
        await wellAgain(lane);
        free.push(lane);
      }
    });
});

/** Since when it is not in sync, and of when is what is served. */
const SINCE = /not in sync since 2\d{3}-[^ ]+Z; version \d+, of 2\d{3}-[^ ]+Z, is served\. /;
const LAGGING =
  /mesh_gateway_source_trouble 1\n[^]*mesh_gateway_source_lag_seconds\{kind="\w+",group="[^"]*"\} [0-9.]*[1-9]/;

async function outlive({ what, begin, told, bearable }: Outage, lane: Lane): Promise<void> {
  const { cluster } = lane;
  const { server, gateway } = cluster;
  const load = startLoad({ port: gateway.httpPort, keptAlive: 2, fresh: 1, pauseMs: 2 });
  try {
    await begin(server.faults, cluster);
    if (told !== undefined) {
      await eventually(async () => told.test((await gateway.problems()).join('\n')), {
        timeoutMs: 20_000,
        what: `people are told of ${what}`,
      });
      await eventually(async () => SINCE.test((await get(gateway.healthPort, '/healthz/ready?verbose')).body));
      assert.match((await get(gateway.metricsPort, '/metrics')).body, LAGGING);
    }
    const before = load.answered();
    await eventually(() => load.answered() > before + 200, { timeoutMs: 15_000 });
    if (bearable) await changeIsServed(lane);
    assert.equal((await get(gateway.healthPort, '/healthz/ready')).status, 200, 'ready all the time');
    await wellAgain(lane);
    await changeIsServed(lane);
    await eventually(async () => (await gateway.problems()).length === 0, {
      timeoutMs: 60_000,
      what: `all is well again: ${(await gateway.problems()).join('\n')}`,
    });
  } finally {
    const { failed, answered, reasons } = await load.stop();
    assert.equal(failed, 0, `${failed} of ${answered} requests failed: ${reasons.join('\n')}`);
  }
}

async function wellAgain({ cluster }: Lane): Promise<void> {
  await cluster.server.faults.clear();
  await cluster.way.restore();
}

/** 100 % to one version, then to the other: every answer tells when it is served. */
async function changeIsServed(lane: Lane): Promise<void> {
  const { cluster } = lane;
  lane.weight = lane.weight === 100 ? 0 : 100;
  cluster.setWeights(lane.weight, 100 - lane.weight);
  const expected = lane.weight === 100 ? 'v1' : 'v2';
  await eventually(
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => get(cluster.gateway.httpPort, '/')));
      return answers.every(({ body }) => body.trim() === expected);
    },
    { timeoutMs: 60_000, what: `the change of weights to ${lane.weight} is served` },
  );
}
