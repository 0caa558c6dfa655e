import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codes } from '#gateway/control/resource/codes.ts';

const root = fileURLToPath(new URL('../../../gateway/', import.meta.url));

/** Codes written in the sources, the registry itself apart. */
function written(): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('resource/codes.ts')) continue;
    for (const [, code = ''] of readFileSync(path.join(root, name), 'utf8').matchAll(/'((?:MG|IST)\d{4})'/g))
      found.set(code, name);
  }
  return found;
}

test('every code that is reported is in the registry', () => {
  const unknown = [...written()].filter(([code]) => !Object.hasOwn(codes, code));
  assert.deepEqual(unknown, []);
});

test('every code of the registry is reported somewhere, with a title and advice', () => {
  const used = new Set([...written().keys(), 'IST0106']);
  assert.deepEqual(
    Object.keys(codes).filter((code) => !used.has(code)),
    [],
  );
  for (const { title, help } of Object.values(codes)) {
    assert.match(title, /^[A-Z]/);
    assert.match(help, /\.$/);
  }
});
