import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_MS, Controller, RETRY_MS } from '#gateway/control/controller.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import type { PublishOutcome } from '#gateway/control/publish/publisher.ts';
import { interpretFile } from '#gateway/control/source/object-file.ts';
import { ObjectStore } from '#gateway/control/source/object-store.ts';
import { ENDPOINTS_MS } from '#gateway/control/source/quarantine/patience.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { ManualTimers } from '../../kit/manual-timers.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

/** Publishes to nobody: the test gives the answers. */
class ManualPublisher {
  readonly #kit: Kit;

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  async publish(units: SnapshotUnits): Promise<PublishOutcome> {
    const kit = this.#kit;
    kit.published.push(units);
    kit.running += 1;
    kit.mostRunning = Math.max(kit.mostRunning, kit.running);
    const outcome = await kit.answer(units);
    kit.running -= 1;
    return outcome;
  }

  tidy(): Promise<void> {
    return Promise.resolve();
  }

  get problems(): Problem[] {
    return this.#kit.publisherProblems;
  }
}

/** A controller whose publications end when the test says so. */
class Kit {
  readonly timers = new ManualTimers();
  readonly published: SnapshotUnits[] = [];
  readonly store = new ObjectStore({ accepted: [], keeper: { set: () => undefined, remove: () => undefined } });
  readonly controller: Controller;
  publisherProblems: Problem[] = [];
  onDefect: (error: unknown) => void = (error) => {
    throw error;
  };
  running = 0;
  mostRunning = 0;
  answer: (units: SnapshotUnits) => Promise<PublishOutcome> = () =>
    Promise.resolve({ kind: 'applied', version: this.published.length });

  constructor() {
    this.controller = new Controller({
      store: this.store,
      evaluator: new Evaluator(
        {
          namespace: 'istio-system',
          labels: { istio: 'ingressgateway' },
          ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
          folder: '/routes',
          connectTimeoutMs: 1_000,
        },
        () => 0,
      ),
      publisher: new ManualPublisher(this),
      onRound: () => undefined,
      onProblems: () => undefined,
      onDefect: (error) => this.onDefect(error),
      now: () => this.timers.now(),
      timers: this.timers,
    });
  }

  write(...texts: string[]): void {
    for (const object of interpretFile('f.yaml', texts.join('---\n'), undefined).objects)
      this.controller.handle({ type: 'upsert', object });
  }

  async begin(): Promise<void> {
    this.write(gatewayYaml(), serviceAndPodYaml(), destinationRuleYaml(), virtualServiceYaml());
    this.controller.handle({ type: 'synced' });
    await this.settle();
  }

  /** Lets all rounds run that are due, and those that they lead to. */
  async settle(): Promise<void> {
    const rest = this.controller.settled().then(() => 'rest');
    for (let round = 0; round < 100; round++) {
      if ((await Promise.race([rest, turns()])) === 'rest') return;
      this.timers.advance(BATCH_MS);
    }
    assert.fail('the controller does not come to rest');
  }

  hosts(): string[] {
    return Object.values(this.published.at(-1)?.virtualHosts ?? {}).map(({ domain }) => domain);
  }

  codes(): string[] {
    return [...new Set(this.controller.problems.map(({ code }) => code))];
  }
}

/** Lets everything run that waits for nothing. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('nothing is published before the source has told everything', async () => {
  const kit = new Kit();
  kit.write(gatewayYaml());
  await turns();
  assert.equal(kit.published.length, 0);
  await kit.begin();
  assert.equal(kit.published.length, 1);
  assert.deepEqual(kit.hosts(), ['shop.example']);
});

test('what was said before is settled though something new is said all the time', async () => {
  const kit = new Kit();
  await kit.begin();
  let weight = 0;
  kit.answer = () => {
    weight = (weight + 1) % 90;
    if (kit.published.length < 300) kit.write(virtualServiceYaml({ v1: weight, v2: 90 }));
    return Promise.resolve({ kind: 'applied', version: kit.published.length });
  };
  kit.write(virtualServiceYaml({ v1: 91, v2: 9 }));
  await kit.settle();
  assert.ok(kit.published.length < 10);
});

test('the first change goes out at once; what comes meanwhile goes out together, and publications never overlap', async () => {
  const kit = new Kit();
  await kit.begin();
  let release: (outcome: PublishOutcome) => void = () => undefined;
  kit.answer = () => new Promise((resolve) => (release = resolve));
  kit.write(virtualServiceYaml({ v1: 90, v2: 10 }));
  await turns();
  assert.equal(kit.published.length, 2);
  for (let v1 = 0; v1 < 10; v1++) {
    kit.write(virtualServiceYaml({ v1, v2: 10 }));
    await turns();
  }
  assert.equal(kit.published.length, 2);
  kit.answer = () => Promise.resolve({ kind: 'applied', version: 3 });
  release({ kind: 'applied', version: 2 });
  await kit.settle();
  assert.equal(kit.published.length, 3);
  assert.equal(kit.mostRunning, 1);
});

test('a refused version is laid on the object behind the unit; the others are served', async () => {
  const kit = new Kit();
  await kit.begin();
  kit.answer = (units) => {
    const bad = Object.values(units.virtualHosts).find(({ domain }) => domain === 'bad.example');
    return Promise.resolve(
      bad === undefined
        ? { kind: 'applied', version: 2 }
        : { kind: 'refused', version: 2, unit: `virtualHosts/${bad.key}`, reason: 'it is bad' },
    );
  };
  kit.write(virtualServiceYaml({ v1: 1 }, { name: 'bad' }), virtualServiceYaml({ v1: 1 }, { name: 'fine' }));
  await kit.settle();
  assert.deepEqual(kit.hosts().sort(), ['fine.example', 'shop.example']);
  const problem = kit.controller.problems.find(({ code }) => code === 'MG1201');
  assert.equal(problem?.object?.name, 'bad');
  assert.ok(kit.controller.isQuarantined('VirtualService/default/bad'));
  assert.ok(!kit.controller.isQuarantined('VirtualService/default/fine'));
});

test('a refusal of a changed object brings its last good version back', async () => {
  const kit = new Kit();
  await kit.begin();
  const good = kit.published.at(-1);
  kit.answer = (units) =>
    Promise.resolve(
      units.virtualHosts['http.31380|shop.example'] === good?.virtualHosts['http.31380|shop.example']
        ? { kind: 'unchanged' }
        : { kind: 'refused', version: 2, unit: 'virtualHosts/http.31380|shop.example', reason: 'no' },
    );
  kit.write(virtualServiceYaml({ v1: 9, v2: 1 }));
  await kit.settle();
  assert.deepEqual(kit.codes(), ['MG1201']);
  kit.answer = () => Promise.resolve({ kind: 'applied', version: 3 });
  kit.write(virtualServiceYaml({ v1: 8, v2: 2 }));
  await kit.settle();
  assert.deepEqual(kit.codes(), [], 'a new version is tried anew');
});

test('a refusal of something else opens no host that a policy of the same moment closes', async () => {
  const kit = new Kit();
  await kit.begin();
  const isGood = ({ clusters }: SnapshotUnits) => !JSON.stringify(clusters).includes('next');
  kit.answer = (units) =>
    Promise.resolve(
      isGood(units)
        ? { kind: 'applied', version: 2 }
        : { kind: 'refused', version: 2, unit: 'clusters/outbound|80||next', reason: 'it is bad' },
    );
  const policy =
    'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: istio-system}\nspec: {action: DENY, rules: [{to: [{operation: {hosts: [shop.example]}}]}]}\n';
  kit.write(policy, virtualServiceYaml({ v1: 1 }, { name: 'bad', service: 'next' }));
  await kit.settle();
  const hosts = Object.values(kit.published.at(-1)?.virtualHosts ?? {});
  assert.deepEqual(
    hosts.map(({ domain, denied }) => [domain, denied !== undefined]),
    [['shop.example', true]],
  );
});

test('a refusal that nobody can be blamed for is given up, with a Problem, until something changes', async () => {
  const kit = new Kit();
  kit.answer = () => Promise.resolve({ kind: 'refused', version: 1, unit: 'snapshot', reason: 'broken' });
  kit.controller.handle({ type: 'synced' });
  await kit.settle();
  assert.equal(kit.published.length, 1);
  assert.deepEqual(kit.codes(), ['MG1201']);
});

test('a publication that failed is tried again after five seconds', async () => {
  const kit = new Kit();
  kit.answer = () => Promise.resolve({ kind: 'failed' });
  await kit.begin();
  assert.equal(kit.store.size, 0, 'nothing is good that was not served');
  kit.answer = () => Promise.resolve({ kind: 'applied', version: 1 });
  kit.timers.advance(RETRY_MS);
  await kit.settle();
  assert.equal(kit.published.length, 2);
  assert.ok(kit.store.size > 0);
});

test('an exception in our own code costs its round: what comes later is worked out as if it had never been', async () => {
  const kit = new Kit();
  await kit.begin();
  const defects: unknown[] = [];
  kit.onDefect = (error) => void defects.push(error);
  const [good] = interpretFile('f.yaml', virtualServiceYaml({ v1: 1 }, { name: 'poison' }), undefined).objects;
  assert.ok(good?.resource?.kind === 'VirtualService');
  const spec = new Proxy(good.resource.spec, {
    get: () => {
      throw new Error('a defect');
    },
  });
  kit.controller.handle({ type: 'upsert', object: { ...good, resource: { ...good.resource, spec } } });
  await kit.settle();
  kit.write(virtualServiceYaml({ v1: 1, v2: 9 }));
  await kit.settle();
  assert.equal(defects.length, 2);
  assert.equal(kit.published.length, 1, 'what is served stays');
  kit.controller.handle({ type: 'upsert', object: good });
  await kit.settle();
  assert.deepEqual(kit.hosts().sort(), ['poison.example', 'shop.example']);
  const fresh = new Kit();
  await fresh.begin();
  fresh.write(virtualServiceYaml({ v1: 1, v2: 9 }), virtualServiceYaml({ v1: 1 }, { name: 'poison' }));
  await fresh.settle();
  assert.equal(JSON.stringify(kit.published.at(-1)), JSON.stringify(fresh.published.at(-1)));
  assert.deepEqual(kit.controller.problems, fresh.controller.problems);
});

test('a change that waits for endpoints is served when its time is over, though nothing else happens', async () => {
  const kit = new Kit();
  await kit.begin();
  kit.write(destinationRuleYaml(['v1', 'v2', 'v3']), virtualServiceYaml({ v3: 1 }));
  await kit.settle();
  assert.deepEqual(
    kit.codes().filter((code) => code.startsWith('MG1')),
    ['MG1007'],
  );
  const before = kit.published.length;
  kit.timers.advance(ENDPOINTS_MS);
  await kit.settle();
  assert.equal(kit.published.length, before + 1);
  assert.ok(!kit.codes().includes('MG1007'));
  assert.ok('outbound|80|v3|shop.default.svc.cluster.local' in (kit.published.at(-1)?.clusters ?? {}));
});

test('problems of all parts are shown once each, sorted by place', async () => {
  const kit = new Kit();
  await kit.begin();
  const at = (line: number): Problem => ({
    severity: 'warning',
    code: 'MG0901',
    message: `line ${line}`,
    position: { file: 'a', line, column: 1 },
  });
  kit.publisherProblems = [at(2)];
  kit.controller.report('supervisor', [at(3), at(1), at(3)]);
  assert.deepEqual(
    kit.controller.problems.map(({ message }) => message),
    ['line 1', 'line 2', 'line 3'],
  );
  kit.controller.report('supervisor', []);
  assert.equal(kit.controller.problems.length, 1);
});

test('a fault of a file names what keeps serving meanwhile', async () => {
  const kit = new Kit();
  await kit.begin();
  const problem: Problem = {
    severity: 'error',
    code: 'MG0001',
    message: 'Broken.',
    position: { file: 'f.yaml', line: 1, column: 1 },
  };
  kit.controller.handle({
    type: 'problems',
    problems: [{ problem, holds: ['VirtualService/default/shop', 'Service/default/new'] }],
  });
  await kit.settle();
  assert.equal(
    kit.controller.problems[0]?.message,
    'Broken. Until then the last good version of VirtualService default/shop keeps serving.',
  );
});
