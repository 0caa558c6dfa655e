const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** The tags of an If-Match or If-None-Match header (RFC 9110 §8.8.3), `['*']`, or undefined when it is malformed. */
export function parseEntityTags(header: string): string[] | undefined {
  const value = header.trim();
  if (value === '*') return ['*'];
  // A tag may hold commas: split only where a quote ends and the next tag begins.
  const tags = value.split(/(?<=")\s*,\s*(?=(?:W\/)?")/);
  return tags.every((tag) => TAG.test(tag)) ? tags : undefined;
}
