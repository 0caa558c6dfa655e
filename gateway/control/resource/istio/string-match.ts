import { RE2JS, RE2JSException } from 're2js';
import type { StringMatch } from '../../../snapshot/route.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { plainText, text } from '../reader/scalars.ts';

/** Patterns that compiled before: a folder repeats the same few thousands of times. */
const compiled = new Set<string>();
const REMEMBERED = 1000;
const MAX_LENGTH = 4096;
/** Longer ones are refused by Istio. */
const USUAL_LENGTH = 1024;

/** A regular expression that RE2 takes (linear time: no look-around, no back-references). */
export const regex: Reader<string> = refine(plainText, (pattern, at) => {
  if (compiled.has(pattern)) return pattern;
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
  if (pattern.length > USUAL_LENGTH) {
    at.report({
      severity: 'warning',
      message: `This expression is ${pattern.length} characters long: Istio takes at most ${USUAL_LENGTH}.`,
    });
    return pattern;
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

/** Istio reads the expression `*`, which RE2 would refuse, as "present". */
const PRESENT = '*';
const regexOrPresent: Reader<string> = (at) => (at.value === PRESENT ? PRESENT : regex(at));

/** The same where Istio itself refuses it. */
const regexOrOddPresent: Reader<string> = refine(regexOrPresent, (pattern, at) => {
  if (pattern === PRESENT)
    at.report({
      severity: 'warning',
      message: '"*" is read as "present". Istio refuses it here: write {} to mean it.',
    });
  return pattern;
});

const notEmpty: Reader<string> = refine(text, (value, at) =>
  value === ''
    ? at.report({ message: 'An empty prefix matches everything: write the prefix, or remove the condition.' })
    : value,
);

/** A condition on a path, whose empty prefix every path has. */
export const pathMatch: Reader<StringMatch> = conditions({ prefix: text, regex: regexOrOddPresent });

/** `exact`, `prefix` or `regex`; an empty set of fields means: present, whatever its value. */
export const stringMatch: Reader<StringMatch> = conditions({ prefix: notEmpty, regex: regexOrOddPresent });

/** A condition that a header must not meet. */
export const absenceMatch: Reader<StringMatch> = conditions({ prefix: notEmpty, regex: regexOrPresent });

function conditions(readers: { readonly prefix: Reader<string>; readonly regex: Reader<string> }): Reader<StringMatch> {
  return refine(record({ exact: text, ...readers }), (value, at) => {
    const kinds = Object.keys(value);
    if (kinds.length > 1) return at.report({ message: `Use one of ${kinds.join(' and ')}, not both.` });
    if (value.exact !== undefined) return { kind: 'exact', value: value.exact };
    if (value.prefix !== undefined) return { kind: 'prefix', value: value.prefix };
    if (value.regex !== undefined && value.regex !== PRESENT) return { kind: 'regex', value: value.regex };
    return { kind: 'present', value: '' };
  });
}

/** The same condition without regard to case. Regular expressions stay as they are, as in Istio. */
export function ignoringCase(match: StringMatch): StringMatch {
  if (match.kind !== 'exact' && match.kind !== 'prefix') return match;
  return { kind: match.kind, value: match.value.toLowerCase(), ignoreCase: true };
}
