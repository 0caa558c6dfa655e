import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fullText } from '#gateway/control/publish/snapshot-text.ts';
import type { Cluster } from '#gateway/snapshot/cluster.ts';
import { diffUnits, NO_UNITS } from '#gateway/snapshot/diff.ts';
import type { VirtualHost } from '#gateway/snapshot/route.ts';
import type { SnapshotUnits, WorkerDelta } from '#gateway/snapshot/snapshot.ts';
import { readSnapshotFile, readSnapshotInSteps, versionOf } from '#gateway/snapshot/snapshot-files.ts';
import { atOnce, StepQueue, type Steps } from '#gateway/support/slices.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aCluster } from '#test/kit/proxy.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

function units(hosts: number): SnapshotUnits {
  const host = (index: number): [string, VirtualHost] => {
    const key = `http.31380|ü"\n{${index}`;
    return [key, { key, listener: 'http.31380', domain: `h${index}\u2028,\n "x":{`, routes: [] }];
  };
  const cluster = (index: number): [string, Cluster] => {
    const key = `outbound|80|"\\":{${index}\n|ü,`;
    return [key, aCluster([index + 1], { key, host: `"h${index}":{\u2028ü,` })];
  };
  const virtualHosts = Object.fromEntries(Array.from({ length: hosts }, (_, index) => host(index)));
  const clusters = Object.fromEntries(Array.from({ length: hosts }, (_, index) => cluster(index)));
  return { ...NO_UNITS, virtualHosts, clusters };
}

/** With all clusters parsed. */
function parsed(delta: WorkerDelta): WorkerDelta {
  const entries = Object.entries(delta.set.clusters).map(([key, unit]): [string, unknown] => [
    key,
    typeof unit === 'string' ? JSON.parse(unit) : unit,
  ]);
  return { ...delta, set: { ...delta.set, clusters: Object.fromEntries(entries) as Record<string, Cluster> } };
}

test('a file that is read in steps gives what it gives when it is read at once, whatever its size', (context) => {
  const folder = temporaryFolder(context);
  for (const count of [0, 1, 2, 7_000]) {
    const all = units(count);
    const file = path.join(folder, `full-${count}.json`);
    writeFileSync(file, [...fullText(5, all)].join(''));
    const inSteps = atOnce(readSnapshotInSteps(file));
    assert.ok(Object.values(inSteps.set.clusters).every((unit) => typeof unit === 'string'));
    assert.deepEqual(parsed(inSteps), readSnapshotFile(file));
    assert.deepEqual(readSnapshotFile(file).set, diffUnits(NO_UNITS, all).set);
    writeFileSync(file, JSON.stringify(readSnapshotFile(file)));
    assert.deepEqual(atOnce(readSnapshotInSteps(file)), readSnapshotFile(file), 'also one that has no lines');
  }
});

test('a large file that is cut short is refused', (context) => {
  const file = path.join(temporaryFolder(context), 'full-1.json');
  const text = [...fullText(1, units(7_000))].join('');
  for (const length of [text.length - 3, text.length >> 1, text.length - 40]) {
    writeFileSync(file, text.slice(0, length));
    assert.throws(() => atOnce(readSnapshotInSteps(file)));
  }
});

test('the name of a file tells the version that it leads to', () => {
  assert.equal(versionOf('full-17.json'), 17);
  assert.equal(versionOf('delta-17-18.json'), 18);
  assert.ok(Number.isNaN(versionOf('other')));
});

test('long work leaves turns of the loop to others, and what is asked for meanwhile comes after it', async () => {
  const queue = new StepQueue(1);
  const told: string[] = [];
  function* work(name: string, longSteps: number): Steps<void> {
    for (let step = 0; step < longSteps; step += 1) {
      const end = performance.now() + 2;
      while (performance.now() < end);
      yield;
    }
    told.push(name);
  }
  queue.do(work('short', 0));
  assert.deepEqual(told, ['short'], 'what is short is done at once');
  queue.do(work('long', 4));
  queue.do(work('after', 0));
  setImmediate(() => told.push('other'));
  await eventually(() => told.length === 4);
  assert.deepEqual(told, ['short', 'other', 'long', 'after']);
});
