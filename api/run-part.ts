/** Which part of a run's components and blocks plushGetRun tells. */
import { Type } from '@sinclair/typebox';
import { closed, page } from './method.ts';
import { optional } from './schemas.ts';

export const RunPart = Type.Object(
  {
    ...page,
    limit: optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Components and blocks of a page at most; default: as many as clients accept',
      }),
    ),
  },
  closed,
);
