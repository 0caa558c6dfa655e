import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { libc } from '../../../systemd/libc.ts';

const module = fileURLToPath(new URL('../../../systemd/signals.ts', import.meta.url));
const script = `
  const { onUsr1 } = await import(${JSON.stringify(module)});
  let heard = 0;
  console.log('handled ' + onUsr1(() => { console.log('heard ' + ++heard); if (heard === 2) process.exit(0); }));
  setInterval(() => {}, 1000);`;

for (const flags of [['--disable-sigusr1'], []]) {
  test(`USR1 reaches the listener and opens no inspector, started with ${flags[0] ?? 'no flag'}`, {
    skip: libc() === null && 'no node:ffi',
  }, async () => {
    const child = spawn(process.execPath, [...flags, '--no-warnings', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const lines: string[] = [];
    for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
      lines.push(...text.trim().split('\n'));
      child.kill('SIGUSR1');
    }
    assert.deepEqual(lines, ['handled true', 'heard 1', 'heard 2']);
    assert.equal(errors, '');
  });
}
