/**
 * A program for the client machine: two loops on kept-alive connections and two with a connection for each request,
 * until its stdin ends. Prints a line at the first answer, and at the end what it saw as JSON.
 * Usage: node request-loop.ts URL
 */
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const url = process.argv[2] ?? '';
const stopped = new AbortController();
let answered = 0;
let slowestMs = 0;
const errors: Record<string, number> = {};

process.stdin.resume().once('end', () => stopped.abort());
const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 2 });
await Promise.all([loop(keepAlive), loop(keepAlive), loop(false), loop(false)]);
keepAlive.destroy();
console.log(JSON.stringify({ answered, errors, slowestMs: Math.round(slowestMs) }));

async function loop(agent: http.Agent | false): Promise<void> {
  while (!stopped.signal.aborted) {
    const begun = performance.now();
    const outcome = await request(agent);
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    if (outcome !== '200') errors[outcome] = (errors[outcome] ?? 0) + 1;
    else if (answered++ === 0) console.log('begun');
    // about 200 a second for each loop, and no spinning on a refused port
    await pause(5);
  }
}

function request(agent: http.Agent | false): Promise<string> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    const sent = http.get(url, { agent, timeout: 30_000 }, (response) => {
      response.on('error', fail).on('end', () => resolve(String(response.statusCode)));
      response.resume();
    });
    sent.on('error', fail).on('timeout', () => sent.destroy(new Error('timeout')));
  });
}
