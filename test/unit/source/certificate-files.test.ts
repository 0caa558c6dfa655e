import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { CertificateFiles } from '#gateway/control/source/certificate-files.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

test('files are read when named, left out when unreadable, and the map stays the same while nothing changes', (context) => {
  const folder = temporaryFolder(context);
  const [certificate, missing, notAFile] = ['tls.crt', 'none', 'folder'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(certificate, 'one');
  mkdirSync(notAFile);
  const files = new CertificateFiles();
  const first = files.read([certificate, missing, notAFile]);
  assert.deepEqual([...first], [[certificate, 'one']]);
  assert.equal(files.read([certificate, missing, notAFile]), first);
  assert.equal(files.haveChanged(), false);
});

test('a renewed, a new and a lost file are noticed', (context) => {
  const folder = temporaryFolder(context);
  const [a, b] = [path.join(folder, 'a'), path.join(folder, 'b')];
  writeFileSync(a, 'one');
  const files = new CertificateFiles();
  const read = (): string[] => [...files.read([a, b]).values()];
  read();
  writeFileSync(`${a}.new`, 'two');
  renameSync(`${a}.new`, a);
  assert.ok(files.haveChanged());
  assert.deepEqual(read(), ['two']);
  writeFileSync(b, 'b');
  assert.ok(files.haveChanged());
  assert.deepEqual(read(), ['two', 'b']);
  renameSync(a, `${a}.away`);
  assert.ok(files.haveChanged());
  assert.deepEqual(read(), ['b']);
  assert.equal(files.haveChanged(), false);
});
