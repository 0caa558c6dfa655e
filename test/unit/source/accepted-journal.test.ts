import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AcceptedJournal, type AcceptedRecord } from '#gateway/control/source/accepted-journal.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { eventually } from '../../kit/eventually.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

const record = (name: string, weight = 1): AcceptedRecord => ({
  key: `VirtualService/default/${name}`,
  raw: { kind: 'VirtualService', weight },
  position: { file: '/routes/a.yaml', line: 3, column: 1 },
  acceptedAt: 1_000,
});

function openIn(stateDir: string): {
  journal: AcceptedJournal;
  problems: readonly Problem[];
  told: (Problem | undefined)[];
} {
  const told: (Problem | undefined)[] = [];
  return { ...AcceptedJournal.open(stateDir, (problem) => void told.push(problem)), told };
}

function fileOf(stateDir: string): string {
  return path.join(stateDir, 'accepted', 'objects.jsonl');
}

async function filled(context: TestContext, ...records: AcceptedRecord[]): Promise<string> {
  const stateDir = temporaryFolder(context);
  const { journal } = openIn(stateDir);
  for (const one of records) journal.set(one);
  await journal.close();
  return stateDir;
}

test('what was accepted is there after a restart, the newest version of each, without the removed', async (context) => {
  const stateDir = await filled(context, record('a'), record('b'), record('c'));
  const second = openIn(stateDir).journal;
  second.set(record('a', 2));
  second.remove('VirtualService/default/b');
  await second.close();
  const third = openIn(stateDir);
  assert.deepEqual([...third.journal.records()], [record('a', 2), record('c')]);
  assert.deepEqual(third.problems, []);
});

test('what changes again at once is written once, and a close does not wait for more', async (context) => {
  const stateDir = await filled(context, record('b'));
  const { journal } = openIn(stateDir);
  const lines = (): string[] => readFileSync(fileOf(stateDir), 'utf8').trimEnd().split('\n').slice(2);
  journal.set(record('a', 1));
  await eventually(() => lines().length === 1, { what: 'the first change is written' });
  for (const weight of [2, 3, 4]) {
    journal.set(record('a', weight));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await journal.close();
  assert.deepEqual(
    lines().map((line) => /"weight":(\d+)/.exec(line)?.[1]),
    ['1', '4'],
  );
});

test('the file is private, and so is its folder', async (context) => {
  const stateDir = await filled(context, record('a'));
  assert.equal(statSync(fileOf(stateDir)).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(fileOf(stateDir))).mode & 0o777, 0o700);
});

test('a last line that a killed process left half written is dropped in silence', async (context) => {
  const stateDir = await filled(context, record('a'), record('b'));
  truncateSync(fileOf(stateDir), statSync(fileOf(stateDir)).size - 10);
  const { journal, problems } = openIn(stateDir);
  assert.deepEqual([...journal.records()], [record('a')]);
  assert.deepEqual(problems, []);
  journal.set(record('c'));
  await journal.close();
  assert.deepEqual([...openIn(stateDir).journal.records()], [record('a'), record('c')]);
});

test('damage in the middle is said and set aside; every whole line counts', async (context) => {
  const stateDir = await filled(context, record('a'), record('b'), record('c'));
  writeFileSync(fileOf(stateDir), readFileSync(fileOf(stateDir), 'utf8').replace('default/b', 'default/x'));
  const { journal, problems } = openIn(stateDir);
  assert.deepEqual([...journal.records()], [record('a'), record('c')]);
  assert.equal(problems[0]?.code, 'MG1005');
  assert.ok(existsSync(`${fileOf(stateDir)}.set-aside`));
});

test('what was whole in a damaged file is kept for the next restart too, though nothing changes meanwhile', async (context) => {
  const stateDir = await filled(context, record('a'), record('b'), record('c'));
  writeFileSync(fileOf(stateDir), readFileSync(fileOf(stateDir), 'utf8').replace('default/b', 'default/x'));
  await openIn(stateDir).journal.close();
  const { journal, problems } = openIn(stateDir);
  assert.deepEqual([...journal.records()], [record('a'), record('c')]);
  assert.deepEqual(problems, []);
});

test('a file of another version is set aside, never a crash', (context) => {
  const stateDir = temporaryFolder(context);
  mkdirSync(path.dirname(fileOf(stateDir)));
  for (const text of ['{"schema":99}\n{"a":1}\n', '', '\u0000\u0001', 'not json\n']) {
    writeFileSync(fileOf(stateDir), text);
    const { journal, problems } = openIn(stateDir);
    assert.deepEqual([...journal.records()], []);
    assert.equal(problems[0]?.code, 'MG1005', JSON.stringify(text));
  }
});

test('a state directory that cannot be written is a Problem, and no loss while the process lives', async (context) => {
  const stateDir = path.join(temporaryFolder(context), 'file');
  writeFileSync(stateDir, '');
  const { journal, problems, told } = openIn(stateDir);
  assert.equal(problems[0]?.code, 'MG1004');
  journal.set(record('a'));
  await journal.flush();
  assert.equal(told.at(-1)?.code, 'MG1004');
  assert.deepEqual([...journal.records()], [record('a')]);
});

test('the file is rewritten when most of it is of the past', async (context) => {
  const stateDir = temporaryFolder(context);
  const { journal } = openIn(stateDir);
  for (let round = 0; round < 30; round++) {
    for (let change = 0; change < 100; change++) journal.set(record('a', round * 100 + change));
    await journal.flush();
  }
  const lines = readFileSync(fileOf(stateDir), 'utf8').split('\n').length;
  assert.ok(lines < 1_200, `${lines} lines for one object`);
  await journal.close();
  assert.deepEqual([...openIn(stateDir).journal.records()], [record('a', 2_999)]);
});

test('a private key that was replaced, or is of no use any more, is not on disk any more', async (context) => {
  const secret = (name: string, key: string): AcceptedRecord => ({
    ...record(name),
    key: `Secret/default/${name}`,
    raw: { kind: 'Secret', data: { 'tls.key': key } },
  });
  const stateDir = await filled(context, record('a'), secret('renewed', 'old-key'), secret('gone', 'other-key'));
  const { journal } = openIn(stateDir);
  journal.set(secret('renewed', 'new-key'));
  journal.remove('Secret/default/gone');
  await journal.close();
  const text = readFileSync(fileOf(stateDir), 'utf8');
  assert.ok(text.includes('new-key') && !text.includes('old-key') && !text.includes('other-key'));
  assert.equal([...openIn(stateDir).journal.records()].length, 2);
});

test('foreign lines at the end do not hide what is before them', async (context) => {
  const stateDir = await filled(context, record('a'));
  appendFileSync(fileOf(stateDir), '{"op":"remove","key":"VirtualService/default/a"}\nabc\n');
  assert.deepEqual([...openIn(stateDir).journal.records()], [record('a')]);
});
