/**
 * `node test/bench/cluster/in-process.ts [services...]`: what control spends on a whole cluster and on one change of an
 * endpoint or a weight, in this process and without workers. For profiles: start it with `--cpu-prof`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Controller } from '#gateway/control/controller.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import { LAST_GOOD_DELAY_MS } from '#gateway/control/publish/last-good.ts';
import { Publisher } from '#gateway/control/publish/publisher.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import { AcceptedJournal } from '#gateway/control/source/accepted-journal.ts';

import { ObjectStore } from '#gateway/control/source/object-store.ts';
import { fingerprintOf, type ObjectVersion } from '#gateway/control/source/source.ts';
import { median } from '../statistics.ts';
import { type ClusterObject, clusterObjects, clusterOf, sliceOf, virtualServiceOf } from './objects.ts';

const CHANGES = 200;

for (const services of process.argv.slice(2).map(Number)) await measure(services);

async function measure(services: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'in-process-'));
  const size = clusterOf(services);
  const { controller, close } = openControl(folder);
  const put = (object: ClusterObject): void => controller.handle({ type: 'upsert', object: versionOf(object) });
  // CPU, not time: other programs of the machine do not count.
  const timed = async (action: () => void): Promise<number> => {
    const before = process.cpuUsage();
    action();
    await controller.settled();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  const cold = await timed(() => {
    for (const object of clusterObjects(size)) put(object);
    controller.handle({ type: 'synced' });
  });
  const memory = process.memoryUsage();
  // What is kept on disk is written beside the changes; here it would count as theirs.
  await new Promise((resolve) => setTimeout(resolve, LAST_GOOD_DELAY_MS + 3_000));
  const each = async (change: (index: number) => ClusterObject): Promise<number[]> => {
    const times: number[] = [];
    for (let index = 0; index < CHANGES; index++) {
      const object = change(index);
      times.push(await timed(() => put(object)));
    }
    return times;
  };
  const endpoint = await each((index) =>
    sliceOf(size, (index * 7) % services, { without: index % 10, revision: 2 + index }),
  );
  const weight = await each((index) => virtualServiceOf(size, (index * 7) % services, 'a', index % 49, 2 + index));
  const line = (times: readonly number[]): string =>
    `median ${median(times).toFixed(2)} ms, slowest ${Math.max(...times).toFixed(2)} ms`;
  console.log(
    `${services} services: cold ${(cold / 1_000).toFixed(2)} s of CPU, RSS ${(memory.rss / 1e6).toFixed(0)} MB, heap ${(memory.heapUsed / 1e6).toFixed(0)} MB; ` +
      `an endpoint: ${line(endpoint)}; a weight: ${line(weight)}; ${controller.problems.length} problems`,
  );
  await close();
  rmSync(folder, { recursive: true });
}

/** Control's core with the real publisher; the workers say yes to everything. */
function openControl(folder: string): { controller: Controller; close: () => Promise<void> } {
  const { journal } = AcceptedJournal.open(folder, () => undefined);
  const publisher = new Publisher({
    runtimeDir: path.join(folder, 'run'),
    stateDir: folder,
    manifest: null,
    fleet: { publish: () => Promise.resolve({ kind: 'applied', workers: [0] }) },
    onProblems: () => undefined,
  });
  const controller = new Controller({
    store: new ObjectStore({ accepted: [], keeper: journal }),
    evaluator: new Evaluator(
      {
        namespace: 'istio-system',
        labels: { istio: 'ingressgateway' },
        ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
        folder: '/routes',
        connectTimeoutMs: 10_000,
      },
      Date.now,
    ),
    publisher,
    onRound: () => undefined,
    onProblems: () => undefined,
    onDefect: (error) => {
      throw error;
    },
  });
  const close = async (): Promise<void> => {
    await controller.close();
    await publisher.close();
    await journal.close();
  };
  return { controller, close };
}

/** As a source reads an object of a cluster. */
function versionOf(object: ClusterObject): ObjectVersion {
  const { kind, metadata } = object;
  const file = `cluster:${kind}/${metadata.namespace}/${metadata.name}`;
  const position = { file, line: 1, column: 1 };
  const { key, resource, problems } = readObject(plainDocument(object, file, position), {
    defaultNamespace: 'default',
    strictness: 'cluster',
  });
  if (key === undefined) throw new Error(`${file} cannot be read`);
  return { key, raw: object, fingerprint: fingerprintOf(object), position, problems, ...(resource && { resource }) };
}
