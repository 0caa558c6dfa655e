import { RE2JS, RE2JSException } from 're2js';
import type { StringMatch } from '../../../snapshot/route.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { plainText, text } from '../reader/scalars.ts';

/** Patterns that compiled before: a folder repeats the same few thousands of times. */
const compiled = new Set<string>();
const REMEMBERED = 1000;
const MAX_LENGTH = 4096;

/** A regular expression that RE2 takes (linear time: no look-around, no back-references). */
const regex: Reader<string> = refine(plainText, (pattern, at) => {
  if (pattern === '*' || compiled.has(pattern)) return pattern;
  if (pattern.length > MAX_LENGTH)
    return at.report({
      code: 'IST0122',
      message: `This expression is ${pattern.length} characters long; at most ${MAX_LENGTH} are allowed.`,
    });
  const reason = refusal(pattern);
  if (reason !== undefined) {
    const hint = /\(\?[=!<]|\\[1-9]/.test(pattern)
      ? ' RE2 has no look-around and no back-references: split the rule, or use headers and withoutHeaders.'
      : ' See the RE2 syntax.';
    return at.report({ code: 'IST0122', message: `This is not a regular expression of RE2 (${reason}).${hint}` });
  }
  if (compiled.size >= REMEMBERED) compiled.clear();
  compiled.add(pattern);
  return pattern;
});

function refusal(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof RE2JSException || error instanceof Error ? error.message : 'unknown reason';
  }
}

const notEmpty: Reader<string> = refine(text, (value, at) =>
  value === ''
    ? at.report({ message: 'An empty prefix matches everything: write the prefix, or remove the condition.' })
    : value,
);

/** `exact`, `prefix` or `regex`; an empty set of fields means: present, whatever its value. */
export const stringMatch: Reader<StringMatch> = refine(
  record({ exact: text, prefix: notEmpty, regex }),
  (value, at) => {
    const kinds = Object.keys(value);
    if (kinds.length > 1) return at.report({ message: `Use one of ${kinds.join(' and ')}, not both.` });
    if (value.exact !== undefined) return { kind: 'exact', value: value.exact };
    if (value.prefix !== undefined) return { kind: 'prefix', value: value.prefix };
    // Istio reads the expression `*`, which RE2 would refuse, as "present".
    if (value.regex !== undefined && value.regex !== '*') return { kind: 'regex', value: value.regex };
    return { kind: 'present', value: '' };
  },
);

/** The same condition without regard to case. Regular expressions stay as they are, as in Istio. */
export function ignoringCase(match: StringMatch): StringMatch {
  if (match.kind !== 'exact' && match.kind !== 'prefix') return match;
  return { kind: match.kind, value: match.value.toLowerCase(), ignoreCase: true };
}
