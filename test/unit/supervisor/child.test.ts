import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Child } from '../../../gateway/supervisor/child.ts';

test('a child that cannot be forked is reported as gone, so that it is started again', async () => {
  const how = await new Promise((resolve) => {
    const child = new Child({
      role: 'worker',
      entry: '/nowhere/main.ts',
      execPath: '/nowhere/node',
      env: {},
      execArgv: [],
      onMessage: () => undefined,
      onExit: resolve,
    });
    assert.equal(child.pid, 0);
    child.send({ type: 'ping' });
    child.kill('SIGKILL');
  });
  assert.deepEqual(how, { code: null, signal: null });
});
