/** The contract as an OpenRPC 1.3 document, and as a page for people. Both are written by `npm run build`. */
import type { TSchema } from '@sinclair/typebox';
import { callbacks, detailed } from './callbacks.ts';
import { described, members } from './describe.ts';
import { gap } from './event.ts';
import { type EventType, events, topics } from './events.ts';
import { type FaultSymbol, faults } from './faults.ts';
import { methodHelp } from './help.ts';
import { type MethodName, methodTable, type Parameter } from './methods.ts';
import { notifications } from './notifications.ts';
import { xmlRpcType } from './schemas.ts';

interface Definition {
  readonly doc: string;
  readonly params: readonly Parameter[];
  readonly result: TSchema;
  readonly scope: string;
  readonly ownNodes?: boolean;
  readonly faults: readonly FaultSymbol[];
}

const eventTypes = Object.keys(events) as EventType[];

const rows = Object.entries(methodTable) as [MethodName, Definition][];

/** The OpenRPC document (https://spec.open-rpc.org), plain JSON. */
export function openrpc(): Record<string, unknown> {
  const document = {
    openrpc: '1.3.2',
    info: {
      title: 'Plush',
      version: '1.0.0',
      description:
        'Manages distributed applications. The same methods are served over XML-RPC (POST /RPC2) and JSON-RPC 2.0 (POST /rpc, or a WebSocket on GET /rpc).',
    },
    methods: rows.map(([name, { doc, params, result, scope, ownNodes, faults: symbols }]) => ({
      name,
      description: doc,
      paramStructure: 'either',
      params: params.map((param) => ({
        name: param.name,
        description: param.doc,
        required: param.optional !== true,
        schema: param.schema,
      })),
      result: { name: 'result', schema: result },
      errors: symbols.map((symbol) => ({
        code: faults[symbol].code,
        message: symbol,
        data: faults[symbol].meaning,
      })),
      'x-scope': scope,
      ...(ownNodes === true ? { 'x-own-nodes': 'broker' } : {}),
    })),
    'x-callbacks': Object.entries(callbacks).map(([name, { doc, params, when }]) => ({
      name,
      description: doc,
      params,
      when,
    })),
    'x-detailed-callbacks': {
      description: 'With details, every callback has one more parameter, and there is one more callback.',
      param: detailed.param,
      callbacks: [
        { name: detailed.generic.name, description: detailed.generic.doc, params: [detailed.param] },
      ],
    },
    'x-notifications': Object.entries(notifications).map(([name, { doc, params }]) => ({
      name,
      description: doc,
      params,
    })),
    'x-events': eventTypes.map((type) => ({
      type,
      topic: events[type].topic,
      description: events[type].doc,
      body: events[type].body,
    })),
    'x-gap': { type: 'gap', description: gap.doc, body: gap.body },
    'x-faults': Object.entries(faults).map(([symbol, fault]) => ({ symbol, ...fault })),
  };
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
}

/** docs/api.md */
export function apiPage(): string {
  const parts = [
    '# The API',
    'Written from the table in `api/`; change that, not this page. Every method is served over XML-RPC (`POST /RPC2`) and over JSON-RPC 2.0 (`POST /rpc`, or a WebSocket on `GET /rpc`), with a token as bearer token or as the Basic password. Each method names the scope that the token needs; `any` is none. Without a good token the answer is HTTP 401, without the scope the fault FORBIDDEN (with HTTP 403 where it is the only call of its request; all other faults are HTTP 200), beyond the rate of the token HTTP 429 or, for an item, the fault RATE_LIMITED.',
    '## Methods',
    ...rows.map(([name]) => `### ${name}\n\n\`\`\`text\n${methodHelp(name)}\n\`\`\``),
    '## Callbacks',
    'A client that registered with setXmlRpcClientUrl gets these calls over XML-RPC, in order and at least once. So does a subscriber (plushSubscribe), over XML-RPC or JSON-RPC (one request a POST, parameters by position); with `details` every call has one more parameter, the struct `event`, and `sendEvent` comes too. A subscriber that answers that it has no method of that name goes on to the next call. [Operating](operating.md#callbacks) tells how calls are delivered, tried again and signed.',
    ...Object.entries(callbacks).map(([name, { doc, params, when }]) => {
      const types = params.map((param) => `${xmlRpcType(param.schema)} ${param.name}`).join(', ');
      return `### ${name}(${types})\n\n${doc} Sent after: ${when.join(', ')}.`;
    }),
    `### ${detailed.generic.name}(${xmlRpcType(detailed.param.schema)} ${detailed.param.name})\n\nWith \`details\` alone. ${detailed.generic.doc}`,
    '## Events',
    'An event is a struct with `seq` (int: its number, which grows; with topics left out there are holes), `time` (string: ISO 8601, UTC, with milliseconds), `type` (string), and the members below; those that are not called optional are always there. Events of other types may come with later versions.',
    ...topics.map(
      (topic) =>
        `### Topic ${topic}\n\n${textOf(eventTypes.filter((type) => events[type].topic === topic).map(eventText))}`,
    ),
    `### In every topic\n\n${textOf([[`gap: ${gap.doc}`, ...members(gap.body)].join('\n')])}`,
  ];
  const faultRows = Object.entries(faults).map(
    ([symbol, { code, meaning, hint }]) => `| ${code} | ${symbol} | ${meaning}. ${hint} |`,
  );
  return [
    ...parts,
    '## Notifications',
    'plushd sends these on a WebSocket ([Operating](operating.md#websockets) tells how to open one), with parameters by name.',
    ...Object.entries(notifications).map(([name, { doc, params }]) => {
      const lines = params.flatMap(({ name: of, schema }) => described(of, schema));
      return `### ${name}\n\n${textOf([[doc, '', ...lines].join('\n')])}`;
    }),
    '## Faults',
    `| code | symbol | when |\n| --- | --- | --- |\n${faultRows.join('\n')}`,
    '',
  ].join('\n\n');
}

function eventText(type: EventType): string {
  const { doc, body } = events[type];
  return [`${type}: ${doc}`, ...members(body)].join('\n');
}

function textOf(pieces: readonly string[]): string {
  return `\`\`\`text\n${pieces.join('\n\n')}\n\`\`\``;
}
