import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Child } from '#gateway/supervisor/child.ts';
import type { FromWorker, ToWorker } from '#gateway/supervisor/messages.ts';
import { Publication } from '#gateway/supervisor/publication.ts';
import { SocketSet } from '#gateway/supervisor/socket-set.ts';
import { WorkerPool } from '#gateway/supervisor/worker-pool.ts';
import { eventually } from '#test/kit/eventually.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-pool-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A pool of one worker, which runs `script` instead of ours. */
function aPool(name: string, script: string): { pool: WorkerPool; log: string[] } {
  const entry = path.join(folder, `${name}.mjs`);
  writeFileSync(entry, script);
  const log: string[] = [];
  const publication = new Publication({
    manifest: null,
    subscribers: () => pool.subscribers(),
    answer: () => undefined,
    onCommit: () => undefined,
  });
  const pool: WorkerPool = new WorkerPool({
    count: 1,
    spawn: (callbacks) =>
      new Child<ToWorker, FromWorker>({ role: 'worker', entry, env: {}, execArgv: [], ...callbacks }),
    initMessage: () => ({ type: 'reopen-logs' }),
    sockets: new SocketSet({ address: '127.0.0.1', inheritedFds: [] }),
    healthSocket: () => undefined,
    publication: () => publication,
    onChange: () => undefined,
    onCollected: () => undefined,
    onUnloadable: () => undefined,
    onAllGone: () => undefined,
    log: (_level, message) => log.push(message),
  });
  after(() => pool.killAll());
  return { pool, log };
}

const LIVES = "process.on('message', () => undefined); process.on('disconnect', () => process.exit());";

test('a worker that is still starting has longer than one that falls silent', async () => {
  const { pool, log } = aPool('starting', LIVES);
  pool.start();
  const [started] = pool.statuses();
  assert.equal(started?.state, 'starting');
  pool.heartbeat({ silentMs: -1, startMs: 60_000 });
  assert.deepEqual(log, []);
  pool.heartbeat({ silentMs: 60_000, startMs: -1 });
  assert.deepEqual(log, ['a worker gave no sign of life and is replaced']);
  await eventually(() => pool.statuses().some((worker) => worker.restarts === 1));
});

test('a worker that was ready and falls silent is replaced', async () => {
  const { pool, log } = aPool('silent', `${LIVES} process.send({ type: 'ready', version: 0 });`);
  pool.start();
  await eventually(() => pool.statuses()[0]?.state === 'serving');
  pool.heartbeat({ silentMs: -1, startMs: 60_000 });
  assert.deepEqual(log, ['a worker gave no sign of life and is replaced']);
  await eventually(() => pool.statuses()[0]?.restarts === 1);
});
