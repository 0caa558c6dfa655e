import { listOf, mapOf } from '../../reader/collections.ts';
import { type Reader, refine } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { text } from '../../reader/scalars.ts';

/**
 * A value with Envoy's `%NAME%` and `%NAME(ARGUMENTS)%` in it, where a percent sign of its own is `%%`. Arguments are plain, or a list of
 * strings in double quotes.
 */
const FORMAT =
  /^(?:[^%]|%%|%(?!%)[^%(]*(?:%|\( *(?:\[ *"|[^ [])(?:\\.|[^)"\\])*(?:" *, *"(?:\\.|[^)"\\])*)*(?:\)|" *\] *\)) *%))*$/s;

const headerValue: Reader<string> = refine(text, (value, at) => {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    return at.report({ message: 'Control characters and line breaks are not allowed in a header.' });
  if (FORMAT.test(value)) return value;
  return at.report({
    message: 'A "%" begins a variable that does not end: write %% for a percent sign, or %NAME% for a variable.',
  });
});

/** Names that are no headers: HTTP/2's own, and `host`, which stands for one of them. */
function isInternal(name: string): boolean {
  return name.startsWith(':') || name.toLowerCase() === 'host';
}

/** True for the two names by which a header operation changes the host of a request. */
export function isAuthority(name: string): boolean {
  return /^(?::authority|host)$/i.test(name);
}

function headerName(isAllowed: (name: string) => boolean): Reader<string> {
  return refine(text, (name, at) => {
    if (name === '') return at.report({ message: 'A header needs a name.' });
    if (isAllowed(name)) return name;
    return at.report({ message: `"${name}" cannot be changed here: it is no header of its own.` });
  });
}

const changed = headerName((name) => !isInternal(name) || isAuthority(name));
const plain = headerName((name) => !isInternal(name));

/** `headers` of a rule or of a destination. */
export const headerOperations: Reader<unknown> = record({
  request: operations(changed),
  response: operations(plain),
});

function operations(key: Reader<string>): Reader<unknown> {
  const values = mapOf(headerValue, { key });
  return record({ set: values, add: values, remove: listOf(plain) });
}
