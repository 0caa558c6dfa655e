/**
 * UUIDs (version 4 in form, RFC 9562) that tell requests apart: random but for the last three digits, which count.
 * A tenth of the cost of asking for each. Nothing may rely on them as a secret.
 */
import { randomUUID } from 'node:crypto';

const DIGITS = 3;
const ENDINGS: readonly string[] = Array.from({ length: 16 ** DIGITS }, (_, n) => n.toString(16).padStart(DIGITS, '0'));

let beginning = '';
let at = ENDINGS.length;

/** A UUID that no other request has. */
export function requestId(): string {
  if (at === ENDINGS.length) {
    beginning = randomUUID().slice(0, -DIGITS);
    at = 0;
  }
  const ending = ENDINGS[at] as string;
  at += 1;
  return beginning + ending;
}
