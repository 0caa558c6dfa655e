/**
 * A program for the client machine: one request after the other, each on a connection of its own, until its stdin ends.
 * Prints a line at the first answer, and at the end every answer as JSON: when it was asked for and came
 * (milliseconds since the epoch), and its text.
 * Usage: node answer-watch.ts URL
 */
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export type Answer = readonly [asked: number, came: number, text: string];

const url = process.argv[2] ?? '';
const answers: Answer[] = [];
const stopped = new AbortController();
process.stdin.resume().once('end', () => stopped.abort());
while (!stopped.signal.aborted) {
  const asked = Date.now();
  const text = await get().catch((error: unknown) => String(error));
  if (answers.push([asked, Date.now(), text]) === 1) console.log('begun');
  await pause(2);
}
console.log(JSON.stringify(answers));

async function get(): Promise<string> {
  const request = http.get(url, { agent: false, timeout: 10_000 });
  request.on('timeout', () => request.destroy(new Error('timeout')));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text.trim();
}
