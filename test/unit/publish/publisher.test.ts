import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { LAST_GOOD_DELAY_MS } from '#gateway/control/publish/last-good.ts';
import {
  type FleetAnswer,
  LOST_MS,
  Publisher,
  type PublishOrder,
  SLOW_MS,
} from '#gateway/control/publish/publisher.ts';
import { applyDelta, NO_UNITS } from '#gateway/snapshot/diff.ts';
import { recoverManifest } from '#gateway/snapshot/recover-manifest.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { readSnapshotFile, type SnapshotManifest, snapshotFolder } from '#gateway/snapshot/snapshot-files.ts';
import { Publication } from '#gateway/supervisor/publication.ts';
import { eventually } from '../../kit/eventually.ts';
import { ManualTimers } from '../../kit/manual-timers.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

const applied: FleetAnswer = { kind: 'applied', workers: [0, 1] };

function units(hosts: number, secret = 'key'): SnapshotUnits {
  const virtualHosts = Object.fromEntries(
    Array.from({ length: hosts }, (_, index) => {
      const key = `http.31380|h${index}`;
      return [key, { key, listener: 'http.31380', domain: `h${index}`, routes: [] }];
    }),
  );
  const certificate = {
    key: 'ns/c',
    certificatePem: 'c',
    privateKeyPem: secret,
    fingerprint: '',
    names: [],
    notBefore: 0,
    notAfter: 0,
  };
  return {
    listeners: {
      'http.31380': { key: 'http.31380', gatewayPort: 80, nodePorts: [31_390, 31_380], protocol: 'HTTP', tls: [] },
    },
    virtualHosts,
    clusters: {},
    certificates: { 'ns/c': certificate },
  };
}

/** A state and a runtime folder, with a publisher and workers that remember what they were told. */
class Node {
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly timers = new ManualTimers();
  readonly orders: PublishOrder[] = [];
  answer: (order: PublishOrder) => Promise<FleetAnswer> = () => Promise.resolve(applied);
  publisher: Publisher;
  /** Commits at once what the workers accept: the answers are theirs. */
  supervisor = supervisorWith(null);

  constructor(context: TestContext) {
    const root = temporaryFolder(context);
    this.stateDir = path.join(root, 'state');
    this.runtimeDir = path.join(root, 'run');
    this.publisher = this.control(null);
  }

  /** Starts control (again). */
  control(manifest: SnapshotManifest | null): Publisher {
    this.supervisor = supervisorWith(manifest);
    this.publisher = new Publisher({
      runtimeDir: this.runtimeDir,
      stateDir: this.stateDir,
      manifest,
      fleet: {
        publish: async (order) => {
          this.orders.push(order);
          const answer = await this.answer(order);
          if (answer.kind === 'applied') this.supervisor.begin(order);
          return answer;
        },
      },
      onProblems: () => undefined,
      timers: this.timers,
    });
    return this.publisher;
  }

  get last(): PublishOrder {
    const order = this.orders.at(-1);
    assert.ok(order);
    return order;
  }

  /** What a worker that starts now is told to load. */
  get manifest(): SnapshotManifest {
    const { manifest } = this.supervisor;
    assert.ok(manifest);
    return manifest;
  }

  /** What a worker that starts now would serve. */
  load(manifest: SnapshotManifest): SnapshotUnits {
    return manifest.files.reduce(
      (loaded, name) => applyDelta(loaded, readSnapshotFile(path.join(snapshotFolder(this.runtimeDir), name))),
      NO_UNITS,
    );
  }

  sizeOf(name: string): number {
    return statSync(path.join(snapshotFolder(this.runtimeDir), name)).size;
  }

  get files(): string[] {
    return readdirSync(snapshotFolder(this.runtimeDir)).sort();
  }
}

function supervisorWith(manifest: SnapshotManifest | null): Publication {
  return new Publication({
    manifest,
    subscribers: () => [],
    answer: ({ type }) => assert.equal(type, 'applied', 'the supervisor knows what the version goes on from'),
    onCommit: () => undefined,
  });
}

test('the first publication is a full snapshot, later ones are deltas, and a starting worker loads the same', async (context) => {
  const node = new Node(context);
  assert.deepEqual(await node.publisher.publish(units(3)), { kind: 'applied', version: 1 });
  assert.equal(node.last.file, 'full-1.json');
  assert.deepEqual(node.last.nodePorts, [31_380, 31_390]);
  assert.deepEqual(await node.publisher.publish(units(4)), { kind: 'applied', version: 2 });
  assert.equal(node.last.file, 'delta-1-2.json');
  assert.deepEqual(node.manifest, { version: 2, files: ['full-1.json', 'delta-1-2.json'] });
  assert.deepEqual(node.load(node.manifest), units(4));
  const delta = readSnapshotFile(path.join(snapshotFolder(node.runtimeDir), 'delta-1-2.json'));
  assert.deepEqual(Object.keys(delta.set.virtualHosts), ['http.31380|h3']);
  assert.equal(node.publisher.served?.version, 2);
});

test('what did not change is not published', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(3));
  assert.deepEqual(await node.publisher.publish(structuredClone(units(3))), { kind: 'unchanged' });
  assert.equal(node.orders.length, 1);
});

test('snapshot files are private, since they hold keys', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  assert.equal(statSync(path.join(snapshotFolder(node.runtimeDir), 'full-1.json')).mode & 0o777, 0o600);
  assert.equal(statSync(snapshotFolder(node.runtimeDir)).mode & 0o777, 0o700);
});

test('after a refusal the old version is the base of the next, and the refused number is not used again', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  node.answer = () => Promise.resolve({ kind: 'refused', unit: 'virtualHosts/x', reason: 'bad regex' });
  const refused = await node.publisher.publish(units(2));
  assert.deepEqual(refused, { kind: 'refused', version: 2, unit: 'virtualHosts/x', reason: 'bad regex' });
  assert.equal(node.publisher.served?.version, 1);
  node.answer = () => Promise.resolve(applied);
  await node.publisher.publish(units(3));
  assert.deepEqual(node.manifest.files, ['full-1.json', 'delta-1-3.json']);
  assert.deepEqual(node.load(node.manifest), units(3));
});

test('a worker that cannot read a file, or has another base, is no reason to blame an object: all is published anew', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  node.answer = () => Promise.resolve({ kind: 'refused', unit: 'snapshot', reason: 'EMFILE: too many open files' });
  assert.deepEqual(await node.publisher.publish(units(2)), { kind: 'failed' });
  assert.match(node.publisher.problems[0]?.message ?? '', /EMFILE/);
  node.answer = () => Promise.resolve(applied);
  assert.deepEqual(await node.publisher.publish(units(2)), { kind: 'applied', version: 3 });
  assert.equal(node.orders.at(-1)?.file, 'full-3.json');
  assert.deepEqual(node.publisher.problems, []);
});

test('a new control goes on from what the workers serve: a delta, or nothing at all', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(2));
  await node.publisher.publish(units(3));
  const again = node.control(node.manifest);
  assert.equal(again.served?.version, 2);
  assert.deepEqual(await again.publish(units(3)), { kind: 'unchanged' });
  await again.publish(units(4));
  assert.match(node.last.file, /^delta-2-/);
  assert.deepEqual(node.load(node.manifest), units(4));
});

test('when what the workers serve cannot be read, everything is published anew, with a greater version', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(2));
  const { manifest } = node;
  writeFileSync(path.join(snapshotFolder(node.runtimeDir), 'full-1.json'), '{"schema":');
  const again = node.control(manifest);
  await again.publish(units(2));
  assert.match(node.last.file, /^full-/);
  assert.ok(node.last.version > manifest.version);
});

test('versions grow over restarts, orderly ones and others, and with a state directory that is a file', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  const killed = node.control(null);
  await killed.publish(units(1));
  assert.ok(node.last.version > 1);
  const before = node.last.version;
  await killed.close();
  const orderly = node.control(null);
  await orderly.publish(units(1));
  assert.equal(node.last.version, before + 1);
  rmSync(node.stateDir, { recursive: true });
  writeFileSync(node.stateDir, '');
  const stateless = node.control(node.manifest);
  await stateless.publish(units(2));
  assert.equal(node.last.version, before + 2);
});

test('publications wait for no disk that hangs, and numbers grow over a crash after that', async (context) => {
  const node = new Node(context);
  const recovered = Promise.withResolvers<void>();
  const handle = await open(import.meta.filename);
  context.mock.method(Object.getPrototypeOf(handle) as FileHandle, 'sync', () => recovered.promise);
  await handle.close();
  const waits = context.mock.method(fs, 'fsyncSync').mock;
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  for (let hosts = 1; hosts <= 600; hosts++)
    assert.equal((await node.publisher.publish(units(1 + (hosts % 3)))).kind, 'applied');
  assert.equal(node.last.version, 600);
  assert.equal(waits.callCount(), 0);
  recovered.resolve();
  await eventually(() => Number(readFileSync(path.join(node.stateDir, 'version'), 'utf8')) >= 600);
  const crashed = node.control(null);
  await crashed.publish(units(1));
  assert.ok(node.last.version > 600);
});

test('deltas that are longer than the full snapshot become one, and old files go when nobody can need them', async (context) => {
  const node = new Node(context);
  for (let hosts = 10; hosts < 80; hosts++) {
    await node.publisher.publish(units(hosts));
    await node.publisher.tidy();
    assert.deepEqual(node.load(node.manifest), units(hosts));
    const [full = 0, ...deltas] = node.manifest.files.map((name) => node.sizeOf(name));
    // The newest delta came after the last look.
    assert.ok(deltas.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0) <= full, node.manifest.files.join());
  }
  assert.ok(node.manifest.files.length > 2, node.manifest.files.join());
  node.timers.advance(31_000);
  await node.publisher.tidy();
  for (const file of node.manifest.files) assert.ok(node.files.includes(file), `${file} is handed out`);
  assert.ok(node.files.length <= node.manifest.files.length + 1, node.files.join());
});

test('what is shortened while a version is handed out is not lost, and names are told only when they are others', async (context) => {
  const node = new Node(context);
  const large = 'k'.repeat(10_000);
  await node.publisher.publish(units(1));
  // Longer together than the full snapshot.
  for (const hosts of [2, 3, 4]) await node.publisher.publish(units(hosts, large));
  for (const hosts of [5, 6, 7]) await node.publisher.publish(units(hosts, `${large}${hosts}`));
  assert.deepEqual(node.last.manifest, { after: 6 });
  const { promise, resolve } = Promise.withResolvers<FleetAnswer>();
  node.answer = () => promise;
  const publication = node.publisher.publish(units(8, large));
  while (node.orders.length < 8) await new Promise((done) => setImmediate(done));
  await node.publisher.tidy();
  resolve(applied);
  node.answer = () => Promise.resolve(applied);
  assert.equal((await publication).kind, 'applied');
  assert.equal(node.manifest.files.length, 8);
  await node.publisher.publish(units(9, large));
  assert.deepEqual(node.manifest.files, ['full-7.json', 'delta-7-8.json', 'delta-8-9.json']);
  assert.deepEqual(node.load(node.manifest), units(9, large));
  await node.publisher.publish(units(10, large));
  assert.deepEqual(node.last.manifest, { after: 9 });
  assert.deepEqual(node.load(node.manifest), units(10, large));
});

test('a worker that starts does not load many hundred deltas, however small they are', async (context) => {
  const node = new Node(context);
  const large = 'k'.repeat(1_000_000);
  const counts: number[] = [];
  for (let hosts = 1; hosts <= 530; hosts++) {
    await node.publisher.publish(units(hosts, large));
    await node.publisher.tidy();
    counts.push(node.manifest.files.length);
  }
  assert.ok(Math.max(...counts) < 520, `${Math.max(...counts)} files`);
  assert.ok((counts.at(-1) ?? 0) < 30, `${counts.at(-1)} files at the end`);
  assert.deepEqual(node.load(node.manifest), units(530, large));
});

test('a file that is handed out stays, however long ago it was written', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1_000));
  for (let hosts = 1_001; hosts < 1_005; hosts++) {
    node.timers.advance(31_000);
    await node.publisher.publish(units(hosts));
    await node.publisher.tidy();
    for (const file of node.manifest.files) assert.ok(node.files.includes(file), `${file} is handed out`);
  }
});

test('a snapshot that cannot be written is a Problem; the next try publishes it', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  rmSync(snapshotFolder(node.runtimeDir), { recursive: true });
  assert.deepEqual(await node.publisher.publish(units(2)), { kind: 'failed' });
  assert.deepEqual(
    node.publisher.problems.map(({ code }) => code),
    ['MG1202'],
  );
  mkdirSync(snapshotFolder(node.runtimeDir));
  assert.equal((await node.publisher.publish(units(2))).kind, 'applied');
  assert.deepEqual(node.publisher.problems, []);
});

test('a hung worker is said after five seconds; an answer that never comes is given up, and then all is published anew', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  node.answer = () => new Promise(() => undefined);
  const waiting = node.publisher.publish(units(2));
  while (node.orders.length < 2) await new Promise((resolve) => setImmediate(resolve));
  node.timers.advance(SLOW_MS);
  assert.deepEqual(
    node.publisher.problems.map(({ code }) => code),
    ['MG1203'],
  );
  node.timers.advance(LOST_MS - SLOW_MS);
  assert.deepEqual(await waiting, { kind: 'failed' });
  node.answer = () => Promise.resolve(applied);
  await node.publisher.publish(units(2));
  assert.match(node.last.file, /^full-/);
  assert.deepEqual(node.publisher.problems, []);
});

test('the last good snapshot is kept lazily, and workers of the next start have it before control is up', async (context) => {
  const node = new Node(context);
  await node.publisher.publish(units(1));
  await node.publisher.publish(units(2));
  assert.ok(!existsSync(path.join(node.stateDir, 'last-good', 'manifest.json')));
  node.timers.advance(LAST_GOOD_DELAY_MS);
  await node.publisher.close();
  assert.deepEqual(readdirSync(path.join(node.stateDir, 'last-good')).sort(), ['full-2.json', 'manifest.json']);
  assert.equal(statSync(path.join(node.stateDir, 'last-good', 'full-2.json')).mode & 0o777, 0o600);
  rmSync(node.runtimeDir, { recursive: true });
  const manifest = recoverManifest(node);
  assert.deepEqual(manifest, { version: 2, files: ['full-2.json'] });
  assert.deepEqual(node.load({ version: 2, files: ['full-2.json'] }), units(2));
  assert.equal(statSync(path.join(snapshotFolder(node.runtimeDir), 'full-2.json')).mode & 0o777, 0o600);
});

test('recovery finds nothing rather than something wrong, and clears what a dead supervisor left', async (context) => {
  const node = new Node(context);
  writeFileSync(path.join(snapshotFolder(node.runtimeDir), 'full-7.json'), 'stale');
  assert.equal(recoverManifest(node), null);
  assert.deepEqual(node.files, []);
  await node.publisher.publish(units(2));
  await node.publisher.close();
  const description = path.join(node.stateDir, 'last-good', 'manifest.json');
  const good = readFileSync(description, 'utf8');
  const faults = [
    good.replace('"schema":1', '"schema":2'),
    good.slice(0, 20),
    good.replace('full-1.json', '../version'),
    'null',
  ];
  for (const fault of faults) {
    writeFileSync(description, fault);
    assert.equal(recoverManifest(node), null, fault);
  }
  writeFileSync(description, good);
  writeFileSync(path.join(node.stateDir, 'last-good', 'full-1.json'), 'cut short');
  assert.equal(recoverManifest(node), null);
});

test('a last good snapshot that cannot be kept is a Problem, not a failure', async (context) => {
  const node = new Node(context);
  writeFileSync(path.join(node.stateDir, 'last-good'), '');
  assert.equal((await node.publisher.publish(units(1))).kind, 'applied');
  await node.publisher.close();
  assert.deepEqual(
    node.publisher.problems.map(({ code }) => code),
    ['MG1204'],
  );
});
