import { closeSync, openSync, writeSync } from 'node:fs';
import type { Steps } from '../support/slices.ts';
import type { ProxyReadings, Statistics } from './statistics.ts';

/** Written at once. */
const CHUNK = 64 * 1024;

/**
 * Writes the statistics of a worker to `file` (0600), a few series a step: of ten thousand destinations that all have
 * counted something, the whole takes as long as hundreds of requests. Throws when the file cannot be written.
 */
export function* writeStatisticsInSteps(
  file: string,
  statistics: Omit<Statistics, 'proxy'>,
  { requests, ...proxy }: ProxyReadings,
): Steps<void> {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    let chunk = `{${fields(statistics)},"proxy":{${fields(proxy)},"requests":[`;
    let separator = '';
    for (const series of requests) {
      chunk += separator + JSON.stringify(series);
      separator = ',\n';
      if (chunk.length >= CHUNK) {
        writeWhole(descriptor, chunk);
        chunk = '';
      }
      yield;
    }
    writeWhole(descriptor, `${chunk}]}}`);
  } finally {
    closeSync(descriptor);
  }
}

/** The fields of an object that has some, as they stand between its braces. */
function fields(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

/** A write may stop half way. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
