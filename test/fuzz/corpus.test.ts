import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadCorpus } from './corpus.ts';
import { readRequestsWithNode, readResponsesWithNode } from './node-oracle.ts';
import { compareReadings } from './properties.ts';
import { outcomeOf, readRequests, readResponses } from './readings.ts';

describe('corpus', () => {
  for (const { name, kind, bytes, expected } of loadCorpus()) {
    it(`${name}: ${expected}`, async () => {
      const read = kind === 'request' ? readRequests : readResponses;
      const whole = read([bytes], () => 0);
      assert.equal(outcomeOf(whole), expected);
      for (let cut = 1; cut < bytes.length; cut++) {
        assert.deepEqual(
          read([bytes.subarray(0, cut), bytes.subarray(cut)], () => cut % 3),
          whole,
          `cut at ${cut}`,
        );
      }
      assert.deepEqual(
        read(
          [...bytes].map((byte) => Buffer.from([byte])),
          () => 0,
        ),
        whole,
        'byte by byte',
      );
      const theirs = await (kind === 'request' ? readRequestsWithNode([bytes]) : readResponsesWithNode([bytes]));
      compareReadings(whole, theirs);
    });
  }
});
