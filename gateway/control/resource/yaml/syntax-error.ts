import { type Document, isScalar, visit, type YAMLError } from 'yaml';

/** How to mend what the parser found; anything else needs a look at the line. */
const HINTS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'Line its indentation up with its neighbours, and close every bracket and quote before it.',
  BLOCK_AS_IMPLICIT_KEY: 'Quote a value that holds ": ", or put the inner field on its own, indented line.',
  DUPLICATE_KEY: 'Remove one of the two, or rename it.',
  MISSING_CHAR: 'Add what is missing, or quote the text.',
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_SCALAR_START: 'Put the value in quotes.',
  UNEXPECTED_TOKEN: 'Remove it, or quote the whole value.',
};

/** Words for a parser error. Never quotes the source: it may be a Secret. */
export function describeSyntaxError(
  error: YAMLError,
  document: Document.Parsed,
): { readonly offset: number; readonly message: string } {
  const quote = error.code === 'MISSING_CHAR' ? openQuote(document, error.pos[0]) : undefined;
  if (quote !== undefined) return { offset: quote, message: 'the quote opened here is never closed. Close it.' };
  const [what] = error.message.split(/: ["']/);
  return { offset: error.pos[0], message: `${what}. ${HINTS[error.code] ?? 'Mend this line.'}` };
}

/** The start of the quoted scalar that runs to the end of the text; the parser itself reports the end. */
function openQuote(document: Document.Parsed, end: number): number | undefined {
  let start: number | undefined;
  visit(document, (_key, node) => {
    if (!isScalar(node) || (node.type !== 'QUOTE_DOUBLE' && node.type !== 'QUOTE_SINGLE') || !node.range)
      return undefined;
    if (node.range[1] < end) return undefined;
    start = node.range[0];
    return visit.BREAK;
  });
  return start;
}
