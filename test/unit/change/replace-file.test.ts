import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CannotReplace, readReplaceable, replaceFile } from '#gateway/control/change/replace-file.ts';
import { requires } from '../../kit/require.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

function file(context: TestContext, text: string): string {
  const place = path.join(temporaryFolder(context), 'a.yaml');
  writeFileSync(place, text);
  return place;
}

test('the file is replaced as a whole, with its mode, and nothing is left beside it', async (context) => {
  const place = file(context, 'old');
  chmodSync(place, 0o640);
  const inode = statSync(place).ino;
  await replaceFile(await readReplaceable(place), 'new');
  assert.equal(readFileSync(place, 'utf8'), 'new');
  assert.equal(statSync(place).mode & 0o7777, 0o640);
  assert.notEqual(statSync(place).ino, inode);
  assert.deepEqual(readdirSync(path.dirname(place)), ['a.yaml']);
});

test('the owner stays', { skip: requires({ root: true }) }, async (context) => {
  const place = file(context, 'old');
  chownSync(place, 12_345, 23_456);
  await replaceFile(await readReplaceable(place), 'new');
  assert.deepEqual([statSync(place).uid, statSync(place).gid], [12_345, 23_456]);
});

test('a link, a folder, and bytes that are no text are refused with the reason', async (context) => {
  const place = file(context, 'text');
  const folder = path.dirname(place);
  symlinkSync('a.yaml', path.join(folder, 'link.yaml'));
  mkdirSync(path.join(folder, 'folder.yaml'));
  writeFileSync(path.join(folder, 'bytes.yaml'), Buffer.from([0x61, 0xff]));
  const cases: Record<string, RegExp> = {
    'link.yaml': /symbolic link/,
    'folder.yaml': /not a regular file/,
    'bytes.yaml': /not valid UTF-8/,
    'none.yaml': /not there any more/,
  };
  for (const [name, message] of Object.entries(cases)) {
    await assert.rejects(readReplaceable(path.join(folder, name)), (error) => {
      assert.ok(error instanceof CannotReplace);
      assert.match(error.message, message);
      return error.kind === 'not-writable';
    });
  }
});

test('a file that somebody else writes at the same moment is left alone', async (context) => {
  const place = file(context, 'old');
  const read = await readReplaceable(place);
  writeFileSync(place, 'theirs');
  await assert.rejects(
    replaceFile(read, 'ours'),
    (error) => error instanceof CannotReplace && error.kind === 'changed',
  );
  assert.equal(readFileSync(place, 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(path.dirname(place)), ['a.yaml']);
});
