import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = fileURLToPath(new URL('../../../gateway/support/priority.ts', import.meta.url));

test('a process that goes behind others does so with every thread, also with those that it starts later', async () => {
  const child = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { goBehindOthers } from ${JSON.stringify(module)};
     import { stat } from 'node:fs/promises';
     const refusal = goBehindOthers(3);
     await stat('/');
     console.log(refusal ?? 'done');
     setInterval(() => undefined, 1_000);`,
  ]);
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(said.toString(), 'done\n');
    const threads = readdirSync(`/proc/${child.pid}/task`);
    // The 19th field; the name before it is in brackets and may hold spaces.
    const niceness = (thread: string): number =>
      Number(readFileSync(`/proc/${child.pid}/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
    assert.ok(threads.length > 4, 'a pool of threads runs');
    assert.deepEqual([...new Set(threads.map(niceness))], [Math.min(19, getPriority() + 3)]);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});
