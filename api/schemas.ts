/**
 * Schemas of the structs that cross the wire. A schema is JSON Schema as it stands (TypeBox), so the published
 * contract, the run-time checks and the TypeScript types are one text. Members are in snake_case everywhere.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import type { AppSpec } from './spec.ts';

const closed = { additionalProperties: false } as const;

/** A member that may be missing. */
export const optional = Type.Optional;

/** One of these words. */
export const oneOf = <T extends string>(
  words: readonly T[],
  options: { readonly description?: string } = {},
) =>
  Type.Union(
    words.map((word) => Type.Literal<T>(word)),
    options,
  );

export const Time = Type.String({
  description: 'ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z',
});
export const Hostname = Type.String({
  minLength: 1,
  maxLength: 255,
  description: '"host" or "host:port"',
});

/** A time that a caller gives, as it is kept. */
export const UTC_PATTERN = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$';

/** A time that a caller gives: other usual ways to write it are taken, and made this one. */
export const timeToCome = (absent: string) =>
  Type.String({
    pattern: UTC_PATTERN,
    description: `ISO 8601, UTC, a time to come: 2026-05-04T10:11:12Z, also taken with a zone (12:11:12+02:00) and as XML-RPC writes it (20260504T10:11:12, UTC). Absent: ${absent}`,
  });

/** Digits that may come as a number. */
export const NUMBER_PATTERN = '^[0-9]{1,9}$';

const Lease = Type.Object(
  {
    id: Type.String({ maxLength: 256, description: 'A name of your own; events and messages repeat it' }),
    expires: optional(timeToCome('the lease does not end')),
  },
  { ...closed, description: 'The right to use the node until a time' },
);

/** What plushAddNode takes. */
export const NodeInput = Type.Object(
  {
    hostname: Hostname,
    type: optional(
      Type.Union([Type.Literal('ssh'), Type.Literal('local')], {
        description: "ssh (default), or local: child processes on the controller's own machine",
      }),
    ),
    user: optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[^\\s@:-][^\\s@:]*$',
        description:
          'Account on the node; without spaces, "@" or ":", and not beginning with "-". Default: that of plushd',
      }),
    ),
    group: optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'By which components ask for nodes' }),
    ),
    ssh_port: optional(
      Type.Integer({ minimum: 1, maximum: 65535, description: 'Where sshd listens; default 22' }),
    ),
    ssh_identity: optional(
      Type.String({ description: 'Private key file on the controller; default: as plushd was started' }),
    ),
    preference: optional(
      Type.Number({ minimum: -1e6, maximum: 1e6, description: 'Higher is chosen first; default 0' }),
    ),
    vip: optional(
      Type.String({
        maxLength: 64,
        description: "ModelNet's virtual IP address, which tasks find as PLUSH_VIP",
      }),
    ),
    vn: optional(
      Type.String({
        pattern: NUMBER_PATTERN,
        description:
          "1 to 9 digits, also taken as an int: ModelNet's virtual node number, which tasks find as PLUSH_VN",
      }),
    ),
    flag: optional(Type.String({ maxLength: 64, description: 'A mark of your own' })),
    lease: optional(Lease),
    properties: optional(
      Type.Record(
        Type.String(),
        Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()]),
        {
          maxProperties: 100,
          description: 'Whatever you want to keep with the node; plushGetNode answers it',
        },
      ),
    ),
  },
  closed,
);

/** What a node can be; failed also while its lease is over, and whatever its link does then. */
export const nodeStates = ['idle', 'connecting', 'connected', 'lost', 'failed'] as const;
export type NodeState = (typeof nodeStates)[number];

/** A node as facts carry it. */
export const NodeSpecSchema = Type.Object({
  ...NodeInput.properties,
  type: Type.Union([Type.Literal('ssh'), Type.Literal('local')]),
});

/** The application after parsing; its members are described in api/spec.ts. */
export const AppSpecSchema = Type.Unsafe<AppSpec>({
  type: 'object',
  description:
    'The parsed application: project, software, components, component_blocks; of their members those are named here that are doubles',
  required: ['components'],
  // XML-RPC has to be told that 2 may be a double.
  properties: {
    components: Type.Array(
      Type.Object({
        requirements: optional(
          Type.Array(Type.Object({ min: optional(Type.Number()), max: optional(Type.Number()) }), {
            description: 'With the metric they are about',
          }),
        ),
      }),
    ),
  },
});

export const DiagnosticSchema = Type.Object({
  severity: Type.Union([Type.Literal('error'), Type.Literal('warning')]),
  code: Type.String(),
  message: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  path: Type.String(),
});

/** The phases of a run on a node. */
export type Phase = 'match' | 'bootstrap' | 'install' | 'start' | 'watch' | 'clean';

/** One failure of one node: where, why, and what was seen. */
export const FailureSchema = Type.Object({
  phase: Type.Unsafe<Phase>({
    type: 'string',
    enum: ['match', 'bootstrap', 'install', 'start', 'watch', 'clean'],
  }),
  cause: Type.String({ description: 'A symbol, such as disk_full, auth_failed, exit_code' }),
  message: Type.String({ description: 'One sentence for a person' }),
  block: optional(Type.String()),
  number: optional(Type.Integer({ description: 'Of a workflow: the number of its task' })),
  command: optional(Type.String()),
  exit_code: optional(Type.Integer()),
  signal: optional(Type.String()),
  stderr_tail: optional(Type.Array(Type.String(), { description: 'The last lines of stderr, at most 20' })),
  attempt: Type.Integer({ description: 'Which attempt failed, from 1' }),
});
export type Failure = Static<typeof FailureSchema>;

/** A place in a run: which node does which part. */
export const MemberSchema = Type.Object({
  hostname: Hostname,
  component: Type.String(),
  index: Type.Integer({
    description: 'Place in the component, from 0; a replacement takes the place of the node it replaces',
  }),
  replaces: optional(Type.String({ description: 'The node that was lost' })),
  generation: optional(
    Type.Integer({
      description: 'The node has been in the run before: grows each time that such a node joins a service',
    }),
  ),
});
export type MemberRef = Static<typeof MemberSchema>;

/** Why a component could not get its nodes. */
export const ShortfallSchema = Type.Object({
  component: Type.String(),
  wanted: Type.Integer({ description: 'The fewest nodes the component can run with' }),
  found: Type.Integer(),
  pool: Type.Integer({ description: 'Nodes in the pool altogether' }),
  removed: Type.Array(
    Type.Object({
      requirement: Type.String({
        description:
          'What the nodes are not: in group "lab", not marked failed, not in use by another run, static host "n1"',
      }),
      nodes: Type.Integer({ description: 'Nodes of the pool that are not; 0 for a static host' }),
      sentence: optional(
        Type.String({ description: 'The same for a person, such as: 2 nodes are marked failed' }),
      ),
    }),
  ),
});
export type Shortfall = Static<typeof ShortfallSchema>;

export const RunStateSchema = Type.String({
  description: 'deploying, running, ending, succeeded, failed or aborted; the last three are final',
});
export const runStates = ['deploying', 'running', 'ending', 'succeeded', 'failed', 'aborted'] as const;
export type RunState = (typeof runStates)[number];
export type RunOutcome = 'succeeded' | 'failed' | 'aborted';

/** The XML-RPC type that stands for a schema. */
export type XmlRpcType = 'string' | 'int' | 'double' | 'boolean' | 'struct' | 'array';

/** Which XML-RPC type a schema has in methodSignature. */
export function xmlRpcType(schema: TSchema): XmlRpcType {
  switch (schema.type as string | undefined) {
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'array';
    case 'object':
      return 'struct';
    default:
      return 'string';
  }
}
