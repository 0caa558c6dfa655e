import type { FastifyInstance } from 'fastify';
import { ApiError } from '../api/errors.ts';
import { emptyUnits } from '../api/lists.ts';
import { objectItem } from '../api/object-item.ts';
import { objectSchema } from '../api/object-schema.ts';
import { errorSchema } from '../api/schemas.ts';
import type { AdminBackend } from '../views.ts';

/** Stands for the namespace of objects that have none. */
const NO_NAMESPACE = '-';
type Params = { readonly kind: string; readonly namespace: string; readonly name: string };

/** One object: where it comes from, what became of it, what the workers serve of it. Never what a Secret holds. */
export function registerObjects(app: FastifyInstance, backend: AdminBackend): void {
  app.get<{ Params: Params }>(
    '/api/v1/objects/:kind/:namespace/:name',
    {
      schema: {
        summary: 'Fate of one object; a - stands for no namespace',
        response: { 200: objectSchema, 404: errorSchema },
      },
    },
    ({ params }) => {
      const { kind, name } = params;
      const ref = { kind, namespace: params.namespace === NO_NAMESPACE ? '' : params.namespace, name };
      const view = backend.object(ref);
      if (view === undefined) throw notFound(ref, backend);
      const context = { units: backend.snapshot() ?? emptyUnits, problems: backend.problems(), now: Date.now() };
      return objectItem(view, context);
    },
  );
}

function notFound(ref: Params, backend: AdminBackend): ApiError {
  const near = backend.nearObject(ref);
  const hint = near === undefined ? '' : ` Did you mean ${nameOf(near)}?`;
  return new ApiError(
    'not-found',
    `There is no ${nameOf(ref)}.${hint}`,
    near === undefined ? {} : { details: { near } },
  );
}

function nameOf({ kind, namespace, name }: Params): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}
