/** How a method is written down in the table, and the pieces that many methods share. */
import { type TSchema, Type } from '@sinclair/typebox';
import type { FaultSymbol } from './faults.ts';
import { optional } from './schemas.ts';

/** What a token may do. */
export const SCOPES = ['read', 'broker', 'operate', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Parameter<N extends string = string, S extends TSchema = TSchema> {
  readonly name: N;
  readonly schema: S;
  readonly doc: string;
  /** May be left out; only the last parameters may. */
  readonly optional?: boolean;
}

export interface MethodDefinition {
  /** One sentence or more, shown by system.methodHelp and in the reference. */
  readonly doc: string;
  readonly params: readonly Parameter[];
  readonly result: TSchema;
  /** What the token needs; `any`: nothing beyond being good. */
  readonly scope: Scope | 'any';
  /** With the scope broker it may be called too, and tells of the nodes alone that the token added. */
  readonly ownNodes?: boolean;
  /** Whatever its scope, it only tells. Methods of the scopes read and any do so anyway. */
  readonly isRead?: boolean;
  /** Of a method that mostly tells: a call that is refused was one to change something. */
  readonly mayChange?: boolean;
  /** Application faults it can answer, beyond those every method has. */
  readonly faults: readonly FaultSymbol[];
}

/** A parameter that must be given. */
export const param = <N extends string, S extends TSchema>(name: N, schema: S, doc: string) => ({
  name,
  schema,
  doc,
});

/** A parameter that may be left out. */
export const maybe = <N extends string, S extends TSchema>(name: N, schema: S, doc: string) => ({
  name,
  schema,
  doc,
  optional: true as const,
});

/** A struct that takes no other members than those it names. */
export const closed = { additionalProperties: false } as const;

/** Marks a bound that more than it is taken as, in place of being refused; it is in no published schema. */
export const CAPPED: unique symbol = Symbol('capped');

/** How much of a page a caller wants at most: who asks for more than there can be gets what there can be, and the place to go on. */
export const pageLimit = (maximum: number, description: string) =>
  Type.Integer({
    minimum: 1,
    maximum,
    description: `${description}; more is taken as ${maximum}`,
    [CAPPED as never]: true,
  });

/** Members of every struct that asks for a page. */
export const page = {
  limit: optional(pageLimit(1000, 'Entries of a page; default 100')),
  cursor: optional(
    Type.String({ maxLength: 512, description: 'Of the page before; absent: the first page' }),
  ),
};
