/** `metadata.generation`: the API server counts the changes of what an object asks for. */
export function generationOf(object: unknown): number | undefined {
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly generation?: unknown } };
  return typeof metadata?.generation === 'number' ? metadata.generation : undefined;
}
