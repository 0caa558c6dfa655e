import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLog } from '#gateway/telemetry/log.ts';

test('the log names its role and never prints a secret that comes under a known name', () => {
  const lines: string[] = [];
  const log = openLog({
    role: 'worker',
    level: 'info',
    index: 3,
    destination: { write: (line) => void lines.push(line) },
  });
  log.info(
    { token: 's3cret', request: { authorization: 's3cret' }, certificate: { a: { privateKeyPem: 's3cret' } } },
    'hello',
  );
  log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed');
  log.debug('not at this level');
  assert.equal(lines.length, 2);
  assert.ok(!lines.join('').includes('s3cret'));
  const first = JSON.parse(lines[0] ?? '');
  assert.deepEqual([first.role, first.worker, first.level, first.msg], ['worker', 3, 'info', 'hello']);
  assert.match(lines[1] ?? '', /inner/);
});
