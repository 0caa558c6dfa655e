import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest, ToControl, ToWorker } from '../../../gateway/supervisor/messages.ts';
import { Publication, type Subscriber } from '../../../gateway/supervisor/publication.ts';

class FakeWorker implements Subscriber {
  readonly pid: number;
  version = 1;
  readonly got: ToWorker[] = [];
  constructor(pid: number) {
    this.pid = pid;
  }
  send(message: ToWorker): void {
    this.got.push(message);
  }
  types(): string[] {
    return this.got.map((message) => message.type);
  }
}

const manifest = (version: number): Manifest => ({ version, files: [`full-${version}.json`] });
const publish = (version: number) => ({
  version,
  file: `delta-${version - 1}-${version}.json`,
  manifest: manifest(version),
});

function aPublication(workers: FakeWorker[]): { publication: Publication; answers: ToControl[] } {
  const answers: ToControl[] = [];
  const publication = new Publication({
    manifest: manifest(1),
    subscribers: () => workers,
    answer: (message) => answers.push(message),
    onCommit: () => undefined,
  });
  return { publication, answers };
}

test('no worker serves a version before every worker has compiled it', () => {
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const { publication, answers } = aPublication([a, b]);
  publication.begin(publish(2));
  publication.heard(a, { type: 'prepared', version: 2 });
  assert.deepEqual(a.types(), ['prepare']);
  publication.heard(b, { type: 'prepared', version: 2 });
  assert.deepEqual(
    [a.types(), b.types()],
    [
      ['prepare', 'commit'],
      ['prepare', 'commit'],
    ],
  );
  publication.heard(a, { type: 'applied', version: 2 });
  assert.equal(answers.length, 0);
  publication.heard(b, { type: 'applied', version: 2 });
  assert.deepEqual(answers, [{ type: 'applied', version: 2, workers: [1, 2] }]);
});

test('a unit that one worker cannot compile is served by none, and control hears why', () => {
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const { publication, answers } = aPublication([a, b]);
  publication.begin(publish(2));
  publication.heard(a, { type: 'prepared', version: 2 });
  publication.heard(b, { type: 'refused', version: 2, unit: 'virtualHosts/x', reason: 'bad regex' });
  assert.deepEqual(
    [a.types(), b.types()],
    [
      ['prepare', 'abort'],
      ['prepare', 'abort'],
    ],
  );
  assert.deepEqual(answers, [{ type: 'refused', version: 2, unit: 'virtualHosts/x', reason: 'bad regex' }]);
  assert.equal(publication.manifest?.version, 1);
});

test('a worker that dies while a version is prepared does not hold it up', () => {
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const workers = [a, b];
  const { publication, answers } = aPublication(workers);
  publication.begin(publish(2));
  publication.heard(a, { type: 'prepared', version: 2 });
  workers.pop();
  publication.left(2);
  publication.heard(a, { type: 'applied', version: 2 });
  assert.deepEqual(answers, [{ type: 'applied', version: 2, workers: [1] }]);
});

test('a hung worker is left behind, and control is answered only when it is gone or has followed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [a, hung] = [new FakeWorker(1), new FakeWorker(2)];
  const { publication, answers } = aPublication([a, hung]);
  publication.begin(publish(2));
  publication.heard(a, { type: 'prepared', version: 2 });
  t.mock.timers.tick(1_000);
  assert.deepEqual(a.types(), ['prepare', 'commit']);
  publication.heard(a, { type: 'applied', version: 2 });
  assert.equal(answers.length, 0);
  publication.heard(hung, { type: 'applied', version: 2 });
  assert.equal(answers.length, 1);
});

test('a worker that joins late is brought to the newest version before control is answered', () => {
  const a = new FakeWorker(1);
  const workers = [a];
  const { publication, answers } = aPublication(workers);
  publication.begin(publish(2));
  publication.heard(a, { type: 'prepared', version: 2 });
  const late = new FakeWorker(3);
  workers.push(late);
  publication.joined(late);
  assert.deepEqual(late.got, [{ type: 'catch-up', manifest: manifest(2) }]);
  publication.heard(a, { type: 'applied', version: 2 });
  assert.equal(answers.length, 0);
  publication.heard(late, { type: 'applied', version: 2 });
  assert.equal(answers.length, 1);
});

test('a version whose author died before it was decided is forgotten', () => {
  const a = new FakeWorker(1);
  const { publication } = aPublication([a]);
  publication.begin(publish(2));
  publication.abandon();
  assert.deepEqual(a.types(), ['prepare', 'abort']);
  assert.equal(publication.manifest?.version, 1);
});

test('a version that no worker has compiled yet is not committed, however long that takes', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const { publication, answers } = aPublication([a, b]);
  publication.begin(publish(2));
  t.mock.timers.tick(3_000);
  assert.deepEqual([a.types(), b.types()], [['prepare'], ['prepare']]);
  publication.heard(a, { type: 'refused', version: 2, unit: 'virtualHosts/x', reason: 'bad regex' });
  assert.deepEqual(answers, [{ type: 'refused', version: 2, unit: 'virtualHosts/x', reason: 'bad regex' }]);
  assert.equal(publication.manifest?.version, 1);
});

test('a manifest that a worker cannot load is given up, and that worker follows full snapshots only', () => {
  const [a, broken] = [new FakeWorker(1), new FakeWorker(2)];
  broken.version = 0;
  const { publication, answers } = aPublication([a, broken]);
  assert.equal(publication.unloadable(broken, 1), true);
  publication.joined(broken);
  assert.equal(publication.manifest, null);
  publication.begin({
    version: 2,
    file: 'delta-1-2.json',
    manifest: { version: 2, files: ['full-1.json', 'delta-1-2.json'] },
  });
  publication.heard(a, { type: 'prepared', version: 2 });
  publication.heard(a, { type: 'applied', version: 2 });
  assert.equal(answers.length, 1);
  assert.deepEqual(broken.got, []);
  publication.begin({ version: 3, file: 'full-3.json', manifest: manifest(3) });
  for (const worker of [a, broken]) publication.heard(worker, { type: 'prepared', version: 3 });
  for (const worker of [a, broken]) publication.heard(worker, { type: 'applied', version: 3 });
  assert.deepEqual(broken.types(), ['prepare', 'commit']);
  assert.equal(answers.length, 2);
});

test('a manifest may be told as the one before and one file more', () => {
  const worker = new FakeWorker(1);
  const { publication } = aPublication([worker]);
  for (const version of [2, 3]) {
    publication.begin({ ...publish(version), manifest: { after: version - 1 } });
    publication.heard(worker, { type: 'prepared', version });
    publication.heard(worker, { type: 'applied', version });
  }
  assert.deepEqual(publication.manifest, { version: 3, files: ['full-1.json', 'delta-1-2.json', 'delta-2-3.json'] });
});

test('what goes on from a manifest that is not known is served by the workers that can, and all is asked for anew', () => {
  const worker = new FakeWorker(1);
  const { publication, answers } = aPublication([worker]);
  publication.begin({ ...publish(3), manifest: { after: 2 } });
  publication.heard(worker, { type: 'prepared', version: 3 });
  publication.heard(worker, { type: 'applied', version: 3 });
  assert.deepEqual(answers, [{ type: 'rebuild' }, { type: 'applied', version: 3, workers: [1] }]);
  assert.equal(publication.manifest, null);
});

test('a worker that cannot load an older version tries the newer one', () => {
  const late = new FakeWorker(3);
  late.version = 0;
  const { publication } = aPublication([]);
  publication.begin(publish(2));
  assert.equal(publication.unloadable(late, 1), false);
  assert.deepEqual(late.got, [{ type: 'catch-up', manifest: manifest(2) }]);
});
