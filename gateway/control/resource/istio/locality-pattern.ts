/** True when a pattern (`region/zone/*`, `region`, `*`) covers a locality or narrower pattern, written with slashes. */
export function coversLocality(pattern: string, locality: string): boolean {
  const wanted = pattern.split('/');
  const given = locality.split('/');
  return wanted.every((part, index) => part === '*' || part === (given[index] ?? ''));
}
