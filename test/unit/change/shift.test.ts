import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileWeights } from '#gateway/control/change/file-weights.ts';
import { CONFIRM_MS, Shifter, type ShiftOrder, type ShiftRecord } from '#gateway/control/change/shift.ts';
import { Controller } from '#gateway/control/controller.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import { type FleetAnswer, Publisher } from '#gateway/control/publish/publisher.ts';
import { DirectorySource } from '#gateway/control/source/directory.ts';
import { ObjectStore } from '#gateway/control/source/object-store.ts';
import { realTimers } from '#gateway/support/timers.ts';
import { eventually } from '../../kit/eventually.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

/** The config road as control joins it, with workers that answer as the test wants. */
class Road {
  readonly file: string;
  readonly controller: Controller;
  readonly publisher: Publisher;
  readonly shifter: Shifter;
  readonly source: DirectorySource;
  readonly records: ShiftRecord[] = [];
  answer: () => Promise<FleetAnswer> = () => Promise.resolve({ kind: 'applied', workers: [1, 2] });

  constructor(context: TestContext) {
    // Before the folder goes: hooks run in the order in which they were made.
    context.after(async () => {
      this.source.close();
      await this.publisher.close();
    });
    const root = temporaryFolder(context);
    const folder = path.join(root, 'routes.d');
    mkdirSync(folder);
    this.file = path.join(folder, 'shop.yaml');
    writeFileSync(path.join(folder, 'base.yaml'), [gatewayYaml(), serviceAndPodYaml()].join('---\n'));
    writeFileSync(this.file, `# our shop\n${destinationRuleYaml()}---\n${virtualServiceYaml()}`);
    const store = new ObjectStore({ accepted: [], keeper: { set: () => undefined, remove: () => undefined } });
    const onDefect = (error: unknown): never => {
      throw error;
    };
    this.publisher = new Publisher({
      runtimeDir: path.join(root, 'run'),
      stateDir: path.join(root, 'state'),
      manifest: null,
      fleet: { publish: () => this.answer() },
      onProblems: () => undefined,
    });
    const identity = {
      namespace: 'istio-system',
      labels: { istio: 'ingressgateway' },
      ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
      folder,
      connectTimeoutMs: 1_000,
    };
    this.controller = new Controller({
      store,
      evaluator: new Evaluator(identity, Date.now),
      publisher: this.publisher,
      onRound: () => undefined,
      onProblems: () => undefined,
      onDefect,
    });
    this.source = new DirectorySource({ folder, known: [], emit: (event) => this.controller.handle(event), onDefect });
    this.shifter = new Shifter({
      objects: store,
      isQuarantined: (key) => this.controller.isQuarantined(key),
      problems: () => this.controller.problems,
      objections: (resource) => this.controller.objections(resource),
      writer: new FileWeights({
        parsed: (file) => this.source.parsed(file),
        refresh: (file) => this.source.refresh(file),
      }),
      settled: () => this.controller.settled(),
      fleet: () => ({
        served: this.publisher.served?.version ?? 0,
        newest: this.publisher.newest.version,
        oldest: this.publisher.served?.version ?? 0,
        workers: [0, 1],
      }),
      node: 'edge-1',
      onShift: (record) => void this.records.push(record),
      // The deadline of an answer, without waiting for it.
      timers: {
        now: () => realTimers.now(),
        after: (ms, action) => realTimers.after(ms === CONFIRM_MS ? 400 : ms, action),
      },
    });
  }

  static async start(context: TestContext): Promise<Road> {
    const road = new Road(context);
    await road.source.start();
    await road.controller.settled();
    return road;
  }

  get text(): string {
    return readFileSync(this.file, 'utf8');
  }

  etag(): string {
    return this.shifter.traffic('default', 'shop')?.etag ?? '';
  }
}

function order(weights: Record<string, number>, rest: Partial<ShiftOrder> = {}): ShiftOrder {
  return { namespace: 'default', virtualService: 'shop', weights, actor: { via: 'token' }, ...rest };
}

test('new weights are in the file and served when the answer comes, and only their digits changed', async (context) => {
  const road = await Road.start(context);
  const [before, etag, version] = [road.text, road.etag(), road.publisher.served?.version ?? 0];
  const done = await road.shifter.shift(order({ v1: 90, v2: 10 }, { reason: 'canary', ifMatch: [etag] }));
  assert.ok(done.ok, JSON.stringify(done));
  assert.equal(road.text, before.replace('weight: 50', 'weight: 90').replace('weight: 50', 'weight: 10'));
  assert.deepEqual(done.before, { v1: 50, v2: 50 });
  assert.equal(done.version, version + 1);
  assert.equal(done.node, 'edge-1');
  assert.equal(done.etag, road.etag());
  assert.notEqual(done.etag, etag);
  const host = road.publisher.served?.virtualHosts['http.31380|shop.example'];
  assert.ok(host?.routes[0]?.action.kind === 'forward');
  assert.deepEqual(
    host.routes[0].action.destinations.map(({ weight }) => weight),
    [90, 10],
  );
  assert.deepEqual(
    road.records.map(({ reason, weights }) => [reason, weights]),
    [['canary', { v1: 90, v2: 10 }]],
  );
  assert.deepEqual(road.shifter.history, road.records);
});

test('weights that are so already write nothing', async (context) => {
  const road = await Road.start(context);
  const done = await road.shifter.shift(order({ v1: 50, v2: 50 }));
  assert.ok(done.ok && !done.changed);
  assert.equal(road.records.length, 0);
});

test('refusals change nothing: wrong tag, wrong keys, no such object', async (context) => {
  const road = await Road.start(context);
  const before = road.text;
  const cases: [ShiftOrder, string][] = [
    [order({ v1: 1, v2: 1 }, { ifMatch: ['"0000"'] }), 'precondition-failed'],
    [order({ v1: 1 }), 'invalid'],
    [order({ v1: 0, v2: 0 }), 'invalid'],
    [order({ v1: 1, v2: 1 }, { route: 'none' }), 'invalid'],
    [order({ v1: 1, v2: 1 }, { virtualService: 'none' }), 'not-found'],
    [order({ v1: 1, v2: 1 }, { namespace: 'prod' }), 'not-found'],
  ];
  for (const [request, kind] of cases) {
    const refused = await road.shifter.shift(request);
    assert.equal(!refused.ok && refused.kind, kind);
  }
  assert.equal(road.text, before);
});

test('an object that is broken in its file is not shifted; the reason names the place', async (context) => {
  const road = await Road.start(context);
  writeFileSync(road.file, road.text.replace('weight: 50', 'wieght: 50'));
  await road.source.refresh(road.file);
  await road.controller.settled();
  const refused = await road.shifter.shift(order({ v1: 1, v2: 1 }));
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.match(refused.message, /shop\.yaml:\d+\).*wieght/);
});

test('a file that holds something else than what is served is not written, even before its change was noticed', async (context) => {
  const road = await Road.start(context);
  const theirs = road.text.replaceAll('weight: 50', 'weight: 33');
  renameSync(road.file, `${road.file}~`);
  writeFileSync(road.file, theirs);
  const refused = await road.shifter.shift(order({ v1: 1, v2: 1 }));
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.match(refused.message, /does not hold the VirtualService as it is served/);
  assert.equal(road.text, theirs);
});

test('a file with a syntax error elsewhere is still edited at the right place', async (context) => {
  const road = await Road.start(context);
  writeFileSync(road.file, `${road.text}---\nspec: [\n`);
  await road.source.refresh(road.file);
  await road.controller.settled();
  const done = await road.shifter.shift(order({ v1: 7, v2: 3 }));
  assert.ok(done.ok, JSON.stringify(done));
  assert.match(road.text, /weight: 7\n[^]*weight: 3\n---\nspec: \[\n$/);
});

test('a worker that does not confirm makes it a timeout with both versions; the file keeps the new weights', async (context) => {
  const road = await Road.start(context);
  let release: (answer: FleetAnswer) => void = () => undefined;
  road.answer = () => new Promise((resolve) => (release = resolve));
  const late = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.ok(!late.ok && late.kind === 'timeout', JSON.stringify(late));
  assert.equal(late.version, (late.servedVersion ?? 0) + 1);
  assert.match(road.text, /weight: 60/);
  release({ kind: 'applied', workers: [] });
  await eventually(() => road.publisher.served?.version === late.version);
});

test('weights that a worker refuses are taken back from the file', async (context) => {
  const road = await Road.start(context);
  const before = road.text;
  road.answer = () =>
    Promise.resolve({ kind: 'refused', unit: 'virtualHosts/http.31380|shop.example', reason: 'out of memory' });
  const refused = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.match(refused.message, /The file is as it was before.*out of memory/);
  assert.equal(road.text, before);
});

test('shifts that come at once are done one after the other', async (context) => {
  const road = await Road.start(context);
  const results = await Promise.all([10, 20, 30, 40].map((v1) => road.shifter.shift(order({ v1, v2: 100 - v1 }))));
  assert.deepEqual(
    results.map((result) => result.ok && result.before['v1']),
    [50, 10, 20, 30],
  );
  assert.match(road.text, /weight: 40\n[^]*weight: 60\n/);
});
