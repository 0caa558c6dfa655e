import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { codes } from '#gateway/control/resource/codes.ts';
import { repositoryDir } from '../../kit/import-graph.ts';

/** Codes that Istio has given out up to August 2026: two of its own, then an unbroken row. */
const ISTIO_CODES = [1, 2, ...Array.from({ length: 77 }, (_, index) => 101 + index)].map(
  (number) => `IST${String(number).padStart(4, '0')}`,
);

/** Codes of the table in the README: `IST0001, IST0110 to IST0112`. */
function explained(): string[] {
  const text = readFileSync(path.join(repositoryDir, 'docs/problems/README.md'), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith('Codes of Istio that are never raised here'));
  const rows = section?.match(/^\| IST[^|]+/gm) ?? [];
  return rows.flatMap((row) =>
    [...row.matchAll(/IST(\d{4})(?: to IST(\d{4}))?/g)].flatMap(([, first, last = first]) =>
      ISTIO_CODES.filter((code) => code >= `IST${first}` && code <= `IST${last}`),
    ),
  );
}

test("each of Istio's codes is raised here and has its page, or the README says why never", () => {
  const raised = Object.keys(codes).filter((code) => code.startsWith('IST'));
  assert.deepEqual([...raised, ...explained()].sort(), ISTIO_CODES);
});
