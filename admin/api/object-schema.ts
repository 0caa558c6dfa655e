import { type Static, Type } from 'typebox';
import {
  certificateSchema,
  clusterSchema,
  count,
  endpointSchema,
  listenerSchema,
  moment,
  positionSchema,
  problemSchema,
  routeSchema,
  strict,
  text,
} from './schemas.ts';

const referenceSchema = Type.Object(
  {
    kind: text(),
    namespace: text(),
    name: text(),
    isThere: Type.Boolean({ description: 'False when nobody knows it.' }),
  },
  { ...strict, title: 'Reference' },
);

/** One object with everything that is known of its fate. */
export const objectSchema = Type.Object(
  {
    kind: text(),
    namespace: text('Empty for kinds of the whole cluster.'),
    name: text(),
    apiVersion: Type.Optional(text()),
    source: positionSchema,
    createdAt: Type.Optional(text('By the API server.')),
    generation: Type.Optional(count()),
    syncedAt: Type.Optional(moment('When its kind was last known to be as in the cluster.')),
    state: Type.Union(
      [
        Type.Literal('accepted'),
        Type.Literal('changing'),
        Type.Literal('quarantined'),
        Type.Literal('not-served'),
        Type.Literal('held'),
      ],
      { description: 'What became of its newest version.' },
    ),
    summary: text('The same as a sentence.'),
    since: Type.Optional(moment('Since when its newest version is not taken.')),
    acceptedAt: Type.Optional(moment('When the version that is served was accepted.')),
    lastGood: Type.Optional(positionSchema),
    problems: Type.Array(problemSchema),
    served: Type.Object(
      {
        listeners: Type.Array(listenerSchema),
        hosts: Type.Array(Type.String(), { description: 'Host names.' }),
        routes: Type.Array(routeSchema),
        clusters: Type.Array(clusterSchema),
        endpoints: Type.Array(endpointSchema),
        notReady: Type.Array(Type.Object({ address: text(), why: text() }, strict), {
          description: 'Addresses that get no traffic.',
        }),
        certificates: Type.Array(certificateSchema),
      },
      { ...strict, description: 'What the workers serve of it.' },
    ),
    refersTo: Type.Array(referenceSchema),
    referredBy: Type.Array(referenceSchema),
  },
  { ...strict, title: 'Object' },
);
export type ObjectItem = Static<typeof objectSchema>;
