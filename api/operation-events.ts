/** Events about operations: commands on nodes, and requests to resource services. */
import { Type } from '@sinclair/typebox';
import { event } from './event.ts';
import { optional } from './schemas.ts';

const component = Type.String();
const message = Type.String({ description: 'One sentence for a person' });
const operation_id = Type.String();
const request = optional(Type.Integer({ description: 'Which request of the component, from 0' }));

export const operationEvents = {
  operation_started: event(
    'operation',
    'An operation was ordered: a command on nodes, or requests to resource services. plushGetOperation tells more.',
    {
      operation_id,
      kind: Type.Union([Type.Literal('shell'), Type.Literal('resources')]),
      total: Type.Integer({ description: 'Nodes, or requests' }),
      run_id: optional(Type.String({ description: 'The service that asks for more nodes' })),
      request_id: optional(Type.String()),
      request_digest: optional(
        Type.String({ description: 'SHA-256 of what was asked for under that request_id' }),
      ),
    },
  ),
  operation_ended: event('operation', 'An operation is over.', {
    operation_id,
    state: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('interrupted')]),
    succeeded: Type.Integer(),
    failed: Type.Integer(),
  }),
  resources_requested: event('operation', 'A resource service was asked for resources.', {
    operation_id,
    run_id: optional(Type.String({ description: 'The service that asks for more nodes' })),
    component,
    request,
    service: Type.String(),
    server: Type.String(),
  }),
  resources_answered: event('operation', 'A resource service answered, or could not be reached.', {
    operation_id,
    component,
    request,
    ok: Type.Boolean(),
    message,
    judged: optional(
      Type.Array(Type.Object({ hostname: Type.String(), penalty: Type.Number({ minimum: 0 }) }), {
        description: 'Of SWORD: the nodes that fit, the better the lower the penalty',
      }),
    ),
  }),
} as const;
