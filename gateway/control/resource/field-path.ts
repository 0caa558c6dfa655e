import type { FieldPath } from './resource.ts';

const PLAIN = /^[A-Za-z_][\w-]*$/;

/** `spec.http[0].match[0].headers["x-user"]`: how people and kubectl write a path. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
