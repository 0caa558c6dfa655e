import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { validatePaths } from '#gateway/control/validate-paths.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { requires, sharedDir } from '../../kit/require.ts';

const expectedFile = fileURLToPath(new URL('expected-istio-samples.json', import.meta.url));

/** Validates a path of the shared folder, with file names as they are from the repository's root. */
async function validateShared(name: string): Promise<readonly Problem[]> {
  const { problems } = await validatePaths([path.join(sharedDir, name)]);
  return JSON.parse(JSON.stringify(problems).replaceAll(sharedDir, '../shared')) as Problem[];
}

describe('offline validation', { skip: requires({ shared: true }) }, () => {
  test("of Istio's samples gives the expected list (UPDATE_GOLDEN=1 writes it anew)", async () => {
    const problems = await validateShared('samples/istio');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expectedFile, `${JSON.stringify(problems, null, 2)}\n`);
    assert.deepEqual(problems, JSON.parse(readFileSync(expectedFile, 'utf8')));
  });

  test("of the owner's example finds no error: two Deployments are not needed at an edge", async () => {
    const problems = await validateShared('seed');
    assert.deepEqual(
      problems.map(({ severity, code, object }) => [severity, code, object?.name]),
      [
        ['info', 'MG0101', 'myapp-v1'],
        ['info', 'MG0101', 'myapp-v2'],
      ],
    );
  });
});
