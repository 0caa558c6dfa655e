type Dated = { readonly creationTimestamp?: string; readonly namespace: string; readonly name: string };

/**
 * Istio's order of objects that compete or are joined: the older first, then by name, then by namespace. Objects of a
 * folder have no creation time and come first, so that a file never changes places with another by being touched.
 */
export function olderFirst(a: Dated, b: Dated): number {
  return (
    compareText(a.creationTimestamp ?? '', b.creationTimestamp ?? '') ||
    compareText(a.name, b.name) ||
    compareText(a.namespace, b.namespace)
  );
}

/** Order by UTF-16 code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
