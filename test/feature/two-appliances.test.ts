import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { LEASE_MS, RETRY_MS } from '#gateway/control/leader/election.ts';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { MYAPP } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { requires } from '../kit/require.ts';
import { NODES, TwoAppliances } from '../kit/two-appliances.ts';
import { runBin } from '../unit/cli/cli-kit.ts';

let two: TwoAppliances;

before(async () => {
  two = await TwoAppliances.start();
});

after(() => two?.stop());

type MyAppObject = KubeObject & {
  readonly spec: { readonly http: readonly { readonly route: readonly { readonly weight: number }[] }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly observedGeneration: number }[] };
};

function myApp(): MyAppObject {
  return two.server.object(MYAPP) as MyAppObject;
}

function weights(): number[] {
  return myApp().spec.http[0]?.route.map(({ weight }) => weight) ?? [];
}

/** The generation of which our condition on the VirtualService speaks. */
function judgedGeneration(): number {
  const { conditions = [] } = myApp().status ?? {};
  return conditions.find(({ type }) => type === 'mesh-gateway/Accepted')?.observedGeneration ?? 0;
}

function statusWrites(user?: string): number {
  return two.server.audit.entries({ verb: 'patch', subresource: 'status', code: 200, ...(user && { user }) }).length;
}

test('both serve the same, see each other, and agree who leads', async () => {
  const leader = await eventually(() => two.leader(0), { timeoutMs: 20_000 });
  await eventually(async () => (await two.leader(1)) === leader, { timeoutMs: 20_000 });
  await eventually(
    async () => {
      const [first, second] = await Promise.all([two.nodes(0), two.nodes(1)]);
      return first['edge-2']?.state === 'same' && second['edge-1']?.state === 'same';
    },
    { timeoutMs: 30_000 },
  );
  const nodes = await two.nodes(0);
  assert.equal(nodes['edge-1']?.state, 'here');
  assert.match(nodes['edge-1'].snapshotHash, /^[0-9a-f]{64}$/);
  assert.equal(nodes['edge-2']?.snapshotHash, nodes['edge-1'].snapshotHash);
  for (const gateway of two.gateways) assert.deepEqual(await gateway.problems(), []);
});

test('the objects carry a condition, which only the leader has written', async () => {
  const leader = (await two.leader(0)) ?? '';
  await eventually(() => judgedGeneration() === myApp().metadata.generation, { timeoutMs: 15_000 });
  assert.ok(statusWrites(leader) > 0);
  assert.equal(statusWrites(), statusWrites(leader));
});

test('each node describes what became of an object, and who has to do with it', async () => {
  for (const { socket } of two.gateways) {
    const { code, out, err } = await runBin(['describe', 'vs', 'myapp', '--admin', socket]);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^State: +accepted$/m);
    assert.match(out, /^ {2}Gateway +default\/app-gateway +yes$/m);
    assert.match(out, /^ {2}myapp\.default\.svc\.cluster\.local +80 +v1 +1 /m);
  }
});

test('kubectl waits for it', { skip: requires({ programs: ['kubectl'] }) }, async () => {
  const out = await kubectl('wait', '--for=condition=mesh-gateway/Accepted', 'virtualservice/myapp', '--timeout=10s');
  assert.match(out, /myapp condition met/);
});

test('of shifts from both at once the result is exactly one of what was asked, and the loser gets a 409', async () => {
  let conflicts = 0;
  for (let round = 1; round <= 8; round += 1) {
    const wanted = [
      [10 + round, 90 - round],
      [90 - round, 10 + round],
    ] as const;
    const answers = await Promise.all(NODES.map((_, index) => two.shift(index, vector(wanted[index]))));
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status !== 200);
    conflicts += losers.length;
    assert.ok(winners.length >= 1, answers.map(({ body }) => body).join());
    for (const loser of losers) {
      assert.equal(loser.status, 409, loser.body);
      assert.match(loser.body, /was changed by somebody else meanwhile.*is \d+ now and was \d+/);
    }
    assert.ok(
      wanted.some((vector) => String(vector) === String(weights())),
      String(weights()),
    );
    if (losers.length === 1) assert.deepEqual(weights(), wanted[answers.findIndex(({ status }) => status === 200)]);
    await eventually(async () => {
      const [first, second] = await Promise.all([servedWeights(0), servedWeights(1)]);
      return first === String(weights()) && second === first;
    });
  }
  assert.ok(conflicts > 0, 'at least once both had decided on the same weights');
});

test('a shift by the command line is seen by kubectl, with its reason', {
  skip: requires({ programs: ['kubectl'] }),
}, async () => {
  const { code, out, err } = await runBin([
    'shift',
    'myapp',
    'v1=25',
    'v2=75',
    '--reason',
    'release 42',
    '--admin',
    two.gateways[0]?.socket ?? '',
  ]);
  assert.equal(code, 0, err);
  assert.match(out, /edited cluster:\/apis\/networking\.istio\.io\/v1\/namespaces\/default\/virtualservices\/myapp/);
  const yaml = await kubectl('get', 'virtualservice', 'myapp', '-o', 'yaml');
  assert.match(yaml, /subset: v1\s+weight: 25[^]*subset: v2\s+weight: 75/);
  const events = ['get', 'events', '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{end}'];
  await eventually(async () =>
    /TrafficShifted: .* written by edge-1\. Reason: release 42/.test(await kubectl(...events)),
  );
});

test('a leader that hangs for longer than its lease writes nothing when it goes on', async () => {
  await eventually(() => judgedGeneration() === myApp().metadata.generation, { timeoutMs: 15_000 });
  const leader = await two.leader(0);
  const [hung, other] = leader === NODES[0] ? ([0, 1] as const) : ([1, 0] as const);
  const [writes, own] = [statusWrites(), statusWrites(NODES[hung])];
  const control = controlOf(two.gateways[hung]?.pid ?? 0);
  process.kill(control, 'SIGSTOP');
  try {
    await eventually(async () => (await two.leader(other)) === NODES[other], { timeoutMs: 25_000 });
    assert.equal((await two.shift(other, { v1: 33, v2: 67 })).status, 200);
  } finally {
    process.kill(control, 'SIGCONT');
  }
  await eventually(async () => (await two.leader(hung)) === NODES[other], { timeoutMs: 15_000 });
  await eventually(() => judgedGeneration() === myApp().metadata.generation, { timeoutMs: 15_000 });
  assert.equal(statusWrites(NODES[hung]), own);
  assert.equal(statusWrites(), writes + 1);
});

test('the leader is killed: the other leads within the lease time, and nothing is written twice', async () => {
  await eventually(() => judgedGeneration() === myApp().metadata.generation, { timeoutMs: 15_000 });
  const leader = await two.leader(0);
  const [dead, other] = leader === NODES[0] ? ([0, 1] as const) : ([1, 0] as const);
  const writes = statusWrites();
  process.kill(two.gateways[dead]?.pid ?? 0, 'SIGKILL');
  const since = performance.now();
  await eventually(async () => (await two.leader(other)) === NODES[other], { timeoutMs: 30_000 });
  const tookMs = performance.now() - since;
  assert.ok(tookMs < LEASE_MS + 2 * RETRY_MS * 1.2 + 2_000, `${Math.round(tookMs)} ms`);
  await eventually(
    () => two.server.audit.entries({ user: NODES[other], verb: 'list', resource: 'virtualservices' }).length >= 2,
  );
  const shifted = await two.shift(other, { v1: 60, v2: 40 });
  assert.equal(shifted.status, 200, shifted.body);
  await eventually(() => judgedGeneration() === myApp().metadata.generation, { timeoutMs: 15_000 });
  assert.equal(statusWrites(), writes + 1, 'the new leader has written what was new alone');
});

test('the rights of config/cluster were enough for all of this', () => {
  const refused = two.server.audit.entries({ code: 403 });
  assert.deepEqual(refused, []);
});

/** The control process of an appliance. */
function controlOf(supervisor: number): number {
  const children = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  const found = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('mesh-gateway: control'),
  );
  assert.ok(found);
  return found;
}

function vector([v1 = 0, v2 = 0]: readonly number[] = []): Record<string, number> {
  return { v1, v2 };
}

async function servedWeights(viewer: number): Promise<string> {
  const { body } = await two.ask(viewer, { method: 'GET', path: '/api/v1/traffic/default/myapp' });
  const { routes } = JSON.parse(body) as { routes: { destinations: { weight: number }[] }[] };
  return String(routes[0]?.destinations.map(({ weight }) => weight));
}

async function kubectl(...args: string[]): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-kubectl-'));
  try {
    const kubeconfig = path.join(dir, 'kubeconfig');
    writeFileSync(kubeconfig, two.server.kubeconfig(), { mode: 0o600 });
    const environment = { ...process.env, KUBECONFIG: kubeconfig, HOME: dir };
    return (await promisify(execFile)('kubectl', args, { env: environment })).stdout;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
