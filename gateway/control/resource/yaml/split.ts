/** A part of a file that holds one document (or a few, joined by `...`). */
export type TextChunk = { readonly text: string; readonly start: number };

const MARKER = /^---(?=[ \t\r\n]|$)/gm;
const DIRECTIVE = /^%/m;
const BLANK_LINE = /^(?:---|\.\.\.)?\s*(?:#.*)?$/;

/**
 * Splits a file at its `---` lines. No scalar may hold such a line (YAML 1.2 §9.1.2), so a quote or bracket that is
 * never closed spoils its own document only. Parts without content are left out.
 */
export function splitDocuments(text: string): readonly TextChunk[] {
  const chunks: TextChunk[] = [];
  let start = 0;
  for (const marker of text.matchAll(MARKER)) {
    // Directives belong to the document whose marker follows them.
    if (DIRECTIVE.test(text.slice(start, marker.index)) && !text.startsWith('---', start)) continue;
    push(chunks, text, start, marker.index);
    start = marker.index;
  }
  push(chunks, text, start, text.length);
  return chunks;
}

function push(chunks: TextChunk[], text: string, start: number, end: number): void {
  const part = text.slice(start, end);
  if (part !== '' && !isBlank(part)) chunks.push({ text: part, start });
}

function isBlank(part: string): boolean {
  return part.split('\n', 1000).every((line) => BLANK_LINE.test(line));
}
