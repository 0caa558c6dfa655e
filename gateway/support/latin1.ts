/**
 * Buffer's own conversions without the dispatch by encoding name; public in Node since 0.x and missing from its types.
 * HTTP heads are handled as latin1 strings: one character a byte, so nothing is lost and lengths agree.
 */
type Latin1Buffer = Buffer & {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
};

/** `[start, end)` as a string of one character a byte. */
export function latin1(buffer: Buffer, start: number, end: number): string {
  return (buffer as Latin1Buffer).latin1Slice(start, end);
}

/** Writes a string of one character a byte. */
export function writeLatin1(buffer: Buffer, text: string, offset: number): void {
  (buffer as Latin1Buffer).latin1Write(text, offset, text.length);
}
