import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { DirectorySource } from '#gateway/control/source/directory.ts';
import type { KnownObject, SourceEvent, SourceProblem } from '#gateway/control/source/source.ts';
import { realTimers, type Timers } from '#gateway/support/timers.ts';
import { eventually } from '../../kit/eventually.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';
import { destinationRuleYaml, gatewayYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

/** What a listener of the source knows. */
class Listener {
  readonly events: SourceEvent[] = [];
  readonly objects = new Map<string, string>();
  problems: readonly SourceProblem[] = [];

  hear(event: SourceEvent): void {
    this.events.push(event);
    if (event.type === 'upsert') this.objects.set(event.object.key, JSON.stringify(event.object.raw));
    if (event.type === 'remove') this.objects.delete(event.key);
    if (event.type === 'problems') this.problems = event.problems;
  }

  get codes(): string[] {
    return this.problems.map(({ problem }) => problem.code);
  }

  get names(): string[] {
    return [...this.objects.keys()].map((key) => key.split('/')[2] ?? '').sort();
  }
}

type Started = {
  folder: string;
  source: DirectorySource;
  heard: Listener;
  write: (name: string, text: string) => void;
};

async function start(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  options: { known?: KnownObject[]; timers?: Timers } = {},
): Promise<Started> {
  const folder = path.join(temporaryFolder(context), 'routes.d');
  mkdirSync(folder);
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const heard = new Listener();
  const source = new DirectorySource({
    folder,
    known: options.known ?? [],
    emit: (event) => heard.hear(event),
    onDefect: (error) => {
      throw error;
    },
    timers: options.timers ?? realTimers,
  });
  context.after(() => source.close());
  await source.start();
  return { folder, source, heard, write };
}

/** Replaces a file as editors and tools do. */
function replace(folder: string, name: string, text: string): void {
  writeFileSync(path.join(folder, `.${name}.tmp`), text);
  renameSync(path.join(folder, `.${name}.tmp`), path.join(folder, name));
}

const vs = (name: string, v1 = 50): string => virtualServiceYaml({ v1, v2: 100 - v1 }, { name });

test('all files of the folder and its subfolders are told, then synced', async (context) => {
  const { heard } = await start(context, {
    'a.yaml': vs('a'),
    'b.yml': vs('b'),
    'sub/c.json': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'c' } }),
    '.hidden.yaml': vs('hidden'),
    'd.yaml~': vs('backup'),
    'notes.txt': 'not an object',
  });
  assert.deepEqual(heard.names, ['a', 'b', 'c']);
  assert.equal(heard.events.at(-1)?.type, 'synced');
});

test('a file that is renamed into place is taken at once', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('a') });
  const before = performance.now();
  replace(folder, 'a.yaml', vs('a', 90));
  await eventually(() => heard.objects.get('VirtualService/default/a')?.includes('90'));
  assert.ok(performance.now() - before < 240, 'no quiet time was waited for');
});

test('a file that is written in place piece by piece is never read half', async (context) => {
  const { folder, heard, write } = await start(context, { 'a.yaml': vs('a') });
  const text = vs('b');
  write('b.yaml', text.slice(0, 60));
  await new Promise((resolve) => setTimeout(resolve, 100)); // the pause is what is tested
  appendFileSync(path.join(folder, 'b.yaml'), text.slice(60));
  await eventually(() => heard.names.includes('b'));
  assert.deepEqual(heard.codes, []);
});

test('only the file that changed is told of', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  heard.events.length = 0;
  replace(folder, 'b.yaml', vs('b', 10));
  await eventually(() => heard.events.length > 0);
  assert.deepEqual(
    heard.events.map((event) => (event.type === 'upsert' ? event.object.key : event.type)),
    ['VirtualService/default/b'],
  );
});

test('a deleted file removes its objects within a second, and they come back with it', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  rmSync(path.join(folder, 'a.yaml'));
  await eventually(() => !heard.names.includes('a'), { timeoutMs: 1_000 });
  replace(folder, 'a.yaml', vs('a'));
  await eventually(() => heard.names.includes('a'), { timeoutMs: 500 });
});

test('an editor that takes the file away and puts it back removes nothing', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  renameSync(path.join(folder, 'a.yaml'), path.join(folder, 'a.yaml~'));
  await new Promise((resolve) => setTimeout(resolve, 60)); // as long as a slow editor's fsync
  writeFileSync(path.join(folder, 'a.yaml'), vs('a', 70));
  await eventually(() => heard.objects.get('VirtualService/default/a')?.includes('70'));
  assert.ok(heard.events.every((event) => event.type !== 'remove'));
});

test('files that all vanish together are held, also over a rescan, and empty.yaml makes it so', async (context) => {
  const { folder, source, heard, write } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  rmSync(path.join(folder, 'a.yaml'));
  rmSync(path.join(folder, 'b.yaml'));
  await eventually(() => source.held);
  assert.deepEqual(heard.names, ['a', 'b']);
  assert.deepEqual(heard.codes, ['MG1001']);
  await new Promise((resolve) => setTimeout(resolve, 1_200)); // an impatient rescan
  assert.deepEqual(heard.names, ['a', 'b']);
  write('empty.yaml', '');
  await eventually(() => heard.names.length === 0);
  assert.equal(source.held, undefined);
  assert.deepEqual(heard.codes, []);
});

test('files that are deleted one at a time are obeyed, down to the last', async (context) => {
  const { folder, source, heard } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  rmSync(path.join(folder, 'a.yaml'));
  await eventually(() => heard.names.join() === 'b');
  rmSync(path.join(folder, 'b.yaml'));
  await eventually(() => heard.names.length === 0);
  assert.equal(source.held, undefined);
});

test('a folder that is gone is held, and taken up again when it is back', async (context) => {
  const { folder, source, heard } = await start(context, { 'a.yaml': vs('a') });
  renameSync(folder, `${folder}.away`);
  await eventually(() => source.held);
  assert.deepEqual(heard.names, ['a']);
  renameSync(`${folder}.away`, folder);
  await eventually(() => source.held === undefined);
  replace(folder, 'a.yaml', vs('a', 20));
  await eventually(() => heard.objects.get('VirtualService/default/a')?.includes('20'));
});

test('another folder in its place is read, an empty one is held though it had one file only', async (context) => {
  const { folder, source, heard } = await start(context, { 'a.yaml': vs('a') });
  renameSync(folder, `${folder}.old`);
  mkdirSync(folder);
  await eventually(() => source.held);
  assert.deepEqual(heard.names, ['a']);
  writeFileSync(path.join(folder, 'b.yaml'), vs('b'));
  await eventually(() => heard.names.join() === 'b');
});

test('a mounted ConfigMap is followed when its ..data link is swapped', async (context) => {
  const root = temporaryFolder(context);
  const folder = path.join(root, 'config');
  const publish = (version: string, text: string): void => {
    mkdirSync(path.join(folder, version));
    writeFileSync(path.join(folder, version, 'a.yaml'), text);
    symlinkSync(version, path.join(folder, '..data.tmp'));
    renameSync(path.join(folder, '..data.tmp'), path.join(folder, '..data'));
  };
  mkdirSync(folder);
  publish('..2026_1', vs('a'));
  symlinkSync('..data/a.yaml', path.join(folder, 'a.yaml'));
  const heard = new Listener();
  const source = new DirectorySource({
    folder,
    known: [],
    emit: (event) => heard.hear(event),
    onDefect: assert.ifError,
  });
  context.after(() => source.close());
  await source.start();
  assert.deepEqual(heard.names, ['a']);
  publish('..2026_2', vs('a', 30));
  await eventually(() => heard.objects.get('VirtualService/default/a')?.includes('30'));
  assert.ok(heard.events.every((event) => event.type !== 'remove'));
});

test('a link to the folder that is pointed elsewhere is followed', async (context) => {
  const root = temporaryFolder(context);
  for (const [release, name] of Object.entries({ one: 'a', two: 'b' })) {
    mkdirSync(path.join(root, release));
    writeFileSync(path.join(root, release, 'x.yaml'), vs(name));
  }
  const folder = path.join(root, 'current');
  symlinkSync('one', folder);
  const heard = new Listener();
  const source = new DirectorySource({
    folder,
    known: [],
    emit: (event) => heard.hear(event),
    onDefect: assert.ifError,
  });
  context.after(() => source.close());
  await source.start();
  symlinkSync('two', path.join(root, 'next'));
  renameSync(path.join(root, 'next'), folder);
  await eventually(() => heard.names.join() === 'b');
});

test('new subfolders are watched', async (context) => {
  const { folder, heard, write } = await start(context, { 'a.yaml': vs('a') });
  write('team/b.yaml', vs('b'));
  await eventually(() => heard.names.includes('b'));
  replace(path.join(folder, 'team'), 'b.yaml', vs('b', 5));
  await eventually(() => heard.objects.get('VirtualService/default/b')?.includes('"weight":5'));
});

test('an object that two files define is an error; the first path wins, and the second takes over when the first goes', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('x', 10), 'b.yaml': vs('x', 20), 'c.yaml': vs('z') });
  const weight = (): string | undefined => heard.objects.get('VirtualService/default/x')?.match(/"weight":(\d+)/)?.[1];
  assert.equal(weight(), '10');
  assert.deepEqual(heard.codes, ['MG0006']);
  assert.match(heard.problems[0]?.problem.message ?? '', /a\.yaml:1;/);
  rmSync(path.join(folder, 'a.yaml'));
  await eventually(() => weight() === '20');
  assert.deepEqual(heard.codes, []);
});

test('what is known from before a restart is removed when its file is whole and no longer has it, and held while it is broken', async (context) => {
  const root = temporaryFolder(context);
  const folder = path.join(root, 'routes.d');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'whole.yaml'), gatewayYaml());
  writeFileSync(path.join(folder, 'broken.yaml'), 'spec: [');
  const heard = new Listener();
  const known = (key: string, file: string): KnownObject => ({ key, file: path.join(folder, file) });
  const source = new DirectorySource({
    folder,
    known: [known('VirtualService/default/gone', 'whole.yaml'), known('VirtualService/default/kept', 'broken.yaml')],
    emit: (event) => heard.hear(event),
    onDefect: assert.ifError,
  });
  context.after(() => source.close());
  await source.start();
  const removed = heard.events.flatMap((event) => (event.type === 'remove' ? [event.key] : []));
  assert.deepEqual(removed, ['VirtualService/default/gone']);
  assert.deepEqual(
    heard.problems.flatMap(({ holds }) => holds),
    ['VirtualService/default/kept'],
  );
});

test('a folder that is empty at a start holds what was accepted before, be it one file', async (context) => {
  const { source, heard } = await start(
    context,
    {},
    { known: [{ key: 'VirtualService/default/a', file: '/gone/a.yaml' }] },
  );
  assert.match(source.held ?? '', /suddenly without any object file/);
  assert.ok(heard.events.every((event) => event.type !== 'remove'));
});

test('an empty folder of a new appliance is no problem; a missing one is said', async (context) => {
  const { heard } = await start(context, {});
  assert.deepEqual(heard.codes, []);
  const lost = new Listener();
  const folder = path.join(temporaryFolder(context), 'nowhere');
  const source = new DirectorySource({
    folder,
    known: [],
    emit: (event) => lost.hear(event),
    onDefect: assert.ifError,
  });
  context.after(() => source.close());
  await source.start();
  assert.deepEqual(lost.codes, ['MG1001']);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'a.yaml'), vs('a'));
  await eventually(() => lost.names.join() === 'a');
  assert.deepEqual(lost.codes, []);
});

test('a file that cannot be read keeps its objects, and says why', async (context) => {
  const { folder, heard } = await start(context, { 'a.yaml': vs('a'), 'b.yaml': vs('b') });
  execFileSync('mkfifo', [path.join(folder, '.pipe')]);
  renameSync(path.join(folder, '.pipe'), path.join(folder, 'a.yaml'));
  await eventually(() => heard.codes.includes('MG0004'));
  assert.match(heard.problems[0]?.problem.message ?? '', /not a regular file/);
  assert.deepEqual(heard.problems[0]?.holds, ['VirtualService/default/a']);
  assert.deepEqual(heard.names, ['a', 'b']);
});

test('what the watch misses is found by the rescan every 30 seconds', async (context) => {
  const rescans: (() => void)[] = [];
  const timers: Timers = {
    now: () => realTimers.now(),
    after: (ms, action) => {
      if (ms !== 30_000) return realTimers.after(ms, action);
      rescans.push(action);
      return () => undefined;
    },
  };
  // A link's target is outside of what is watched.
  const outside = temporaryFolder(context);
  writeFileSync(path.join(outside, 'target'), vs('linked'));
  const { folder, heard } = await start(context, { 'a.yaml': vs('a') }, { timers });
  symlinkSync(path.join(outside, 'target'), path.join(folder, 'linked.yaml'));
  await eventually(() => heard.names.includes('linked'));
  replace(outside, 'target', vs('linked', 33));
  rescans.at(-1)?.();
  await eventually(() => heard.objects.get('VirtualService/default/linked')?.includes('33'));
});

test('a burst of two thousand files is taken, and then one file costs one file', async (context) => {
  const { folder, heard, write } = await start(context, { 'dr.yaml': destinationRuleYaml() });
  for (let file = 0; file < 2_000; file++) write(`f${file}.yaml`, vs(`f${file}`));
  await eventually(() => heard.objects.size === 2_001, { timeoutMs: 30_000 });
  heard.events.length = 0;
  replace(folder, 'f77.yaml', vs('f77', 1));
  await eventually(() => heard.events.length > 0);
  assert.equal(heard.events.length, 1);
});
