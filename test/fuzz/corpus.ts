import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./corpus/', import.meta.url));

/** One input that is worth keeping; its first lines say why, and what we make of it. */
export type CorpusEntry = {
  readonly name: string;
  readonly kind: 'request' | 'response';
  readonly bytes: Buffer;
  /** As `outcomeOf` in readings.ts writes it. */
  readonly expected: string;
};

/**
 * Reads `corpus/*.txt`: lines of `#` tell the story, `= outcome` says what we make of it, the rest is the stream, with `\r`, `\n`,
 * `\t`, `\0`, `\\` and `\xHH` spelled out and real line ends ignored, so that editors and git cannot change a byte of it.
 */
export function loadCorpus(): readonly CorpusEntry[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted()
    .map((file) => {
      const lines = readFileSync(folder + file, 'utf8').split('\n');
      const expected = lines.find((line) => line.startsWith('= '))?.slice(2) ?? '';
      const body = lines.filter((line) => !line.startsWith('#') && !line.startsWith('= ')).join('');
      const name = file.slice(0, -'.txt'.length);
      return { name, kind: name.startsWith('response-') ? 'response' : 'request', bytes: unescaped(body), expected };
    });
}

/** Captured ClientHellos, as hex. */
export function loadClientHellos(): readonly Buffer[] {
  return readFileSync(`${folder}client-hellos.hex`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'hex'));
}

function unescaped(text: string): Buffer {
  const named: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };
  const latin1 = text.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (named[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(latin1, 'latin1');
}
