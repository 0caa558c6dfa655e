import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import type { Lease } from '#gateway/control/leader/lease.ts';
import { type NodeRecord, nodeLeaseName } from '#gateway/control/nodes/node-record.ts';
import { BEAT_MS, Nodes } from '#gateway/control/nodes/nodes.ts';
import { DRIFT_MS, SILENT_MS } from '#gateway/control/nodes/sightings.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { Clocks, turn } from '../leader/leader-kit.ts';

/** All Leases of a namespace, as an API server keeps them. */
class LeaseTable {
  readonly leases = new Map<string, Lease>();
  readonly namespace = 'istio-system';
  failure: ApiError | undefined;
  #version = 0;

  async get(name: string): Promise<Lease | undefined> {
    this.#check();
    return this.leases.get(name);
  }

  async list(): Promise<Lease[]> {
    this.#check();
    return [...this.leases.values()];
  }

  async create(lease: Lease): Promise<Lease> {
    if (this.leases.has(lease.name)) throw conflict();
    return this.#store(lease);
  }

  async update(lease: Lease): Promise<Lease> {
    if (this.leases.get(lease.name)?.resourceVersion !== lease.resourceVersion) throw conflict();
    return this.#store(lease);
  }

  #store(lease: Lease): Lease {
    this.#check();
    this.#version += 1;
    const stored = { ...lease, resourceVersion: String(this.#version) };
    this.leases.set(lease.name, stored);
    return stored;
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

class TestNode {
  record: NodeRecord;
  problems: readonly Problem[] = [];
  readonly nodes: Nodes;

  constructor(leases: LeaseTable, clocks: Clocks, node: string, clockStep = 0) {
    this.record = {
      node,
      programVersion: '0.1.0',
      snapshotHash: 'aa',
      servedVersion: 3,
      objects: 7,
      resourceVersion: '42',
      comparable: 'same',
      startedAt: '2026-01-01T00:00:00.000Z',
    };
    this.nodes = new Nodes({
      leases,
      own: () => this.record,
      onProblems: (problems) => (this.problems = problems),
      timers: clocks.timers,
      clock: () => 1_700_000_000_000 + clocks.timers.now() + clockStep,
      random: () => 0,
    });
    this.nodes.start();
  }

  states(): Record<string, string> {
    return Object.fromEntries(this.nodes.list().map(({ node, state }) => [node, state]));
  }

  get codes(): string[] {
    return this.problems.map(({ code }) => code);
  }
}

test('nodes see each other, with all that each tells of itself, whatever their clocks say', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-2', 5 * 3_600_000);
  await clocks.pass(3 * BEAT_MS);
  assert.deepEqual(a.states(), { 'edge-1': 'here', 'edge-2': 'same' });
  assert.deepEqual(b.states(), { 'edge-2': 'here', 'edge-1': 'same' });
  const [, other] = a.nodes.list();
  assert.ok(other);
  const { state: _state, lastSeenAt, ...record } = other;
  assert.deepEqual(record, b.record);
  const now = 1_700_000_000_000 + clocks.timers.now();
  assert.ok(Math.abs(now - lastSeenAt) <= BEAT_MS, `${now - lastSeenAt}`);
  assert.deepEqual(a.problems, []);
});

test('a node that serves something else is changing for a while, then drifted, with a problem until it is over', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-2');
  await clocks.pass(2 * BEAT_MS);
  a.record = { ...a.record, snapshotHash: 'bb', servedVersion: 4 };
  await clocks.pass(BEAT_MS);
  assert.equal(a.states()['edge-2'], 'changing');
  await clocks.pass(DRIFT_MS + BEAT_MS);
  assert.equal(a.states()['edge-2'], 'drifted');
  assert.deepEqual([a.codes, b.codes], [['MG1404'], ['MG1404']]);
  assert.match(a.problems[0]?.message ?? '', /^Node edge-2 has served something else/);
  b.record = { ...b.record, snapshotHash: 'bb', servedVersion: 9 };
  await clocks.pass(2 * BEAT_MS);
  assert.deepEqual([a.states()['edge-2'], a.codes, b.codes], ['same', [], []]);
});

test('nodes that both change all the time have not drifted; one that stands still meanwhile has', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-2');
  const stuck = new TestNode(leases, clocks, 'edge-3');
  for (let second = 0; second < 200; second += 1) {
    a.record = { ...a.record, snapshotHash: `a${second}` };
    b.record = { ...b.record, snapshotHash: `b${second}` };
    await clocks.pass(1_000);
  }
  assert.deepEqual(a.states(), { 'edge-1': 'here', 'edge-2': 'changing', 'edge-3': 'drifted' });
  assert.match(a.problems.map(({ message }) => message).join(), /^Node edge-3 /);
  assert.deepEqual(stuck.codes, []);
});

test('other settings or another program are not compared', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-2');
  b.record = { ...b.record, comparable: 'other', snapshotHash: 'zz' };
  await clocks.pass(DRIFT_MS * 3);
  assert.equal(a.states()['edge-2'], 'incomparable');
  assert.deepEqual(a.problems, []);
});

test('a node that dies becomes silent, one that stops says so; neither is drift', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-2');
  await clocks.pass(2 * BEAT_MS);
  const last = leases.leases.get(nodeLeaseName('edge-2'));
  await b.nodes.stop();
  await clocks.pass(2 * BEAT_MS);
  assert.equal(a.states()['edge-2'], 'stopped');
  leases.leases.set(nodeLeaseName('edge-2'), last as Lease);
  a.record = { ...a.record, snapshotHash: 'bb' };
  await clocks.pass(SILENT_MS + DRIFT_MS);
  assert.equal(a.states()['edge-2'], 'silent');
  assert.deepEqual(a.problems, []);
});

test('a node that starts again under its name takes its Lease over', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const first = new TestNode(leases, clocks, 'edge-1');
  await clocks.pass(BEAT_MS);
  await first.nodes.stop();
  const again = new TestNode(leases, clocks, 'edge-1');
  await clocks.pass(3 * BEAT_MS);
  assert.deepEqual([leases.leases.size, again.codes], [1, []]);
});

test('two appliances of one name say so', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  const a = new TestNode(leases, clocks, 'edge-1');
  const b = new TestNode(leases, clocks, 'edge-1');
  await clocks.pass(4 * BEAT_MS);
  assert.ok(a.codes.includes('MG1406') || b.codes.includes('MG1406'));
});

test('missing rights are a problem that names them; an API server that is down is not told twice', async () => {
  const [leases, clocks] = [new LeaseTable(), new Clocks()];
  leases.failure = new ApiError({ status: 403, reason: 'Forbidden', message: 'leases is forbidden' });
  const a = new TestNode(leases, clocks, 'edge-1');
  await turn();
  assert.deepEqual(a.codes, ['MG1405']);
  assert.match(a.problems[0]?.message ?? '', /leases is forbidden/);
  leases.failure = new ApiError({ status: 0, reason: 'Unreachable', message: 'refused' });
  await clocks.pass(2 * BEAT_MS);
  leases.failure = undefined;
  await clocks.pass(2 * BEAT_MS);
  assert.deepEqual(a.codes, []);
  assert.deepEqual(a.states(), { 'edge-1': 'here' });
});

test('any host name makes the name of a Lease', () => {
  assert.equal(nodeLeaseName('Edge_1.Example.'), 'mesh-gateway-node-edge-1.example');
});

function conflict(): ApiError {
  return new ApiError({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
}
