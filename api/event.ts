/** What a type of event is, and the topics by which they are chosen. */
import { type TObject, type TProperties, Type } from '@sinclair/typebox';

export const topics = ['control', 'node', 'app', 'run', 'task', 'operation', 'subscription'] as const;
export type Topic = (typeof topics)[number];

/** A type of event: what it is about, what it means and what it holds. */
export interface EventDefinition<P extends TProperties> {
  readonly topic: Topic;
  readonly doc: string;
  readonly body: TObject<P>;
}

export const event = <P extends TProperties>(topic: Topic, doc: string, body: P): EventDefinition<P> => ({
  topic,
  doc,
  body: Type.Object(body),
});

/** What stands for events that were removed before a client had them. It is in no journal, and so it has no time. */
export const gap = {
  doc: 'Events were removed before the client had them; it is of every topic, and has no time. Read the state anew.',
  body: Type.Object({
    seq: Type.Integer({ description: 'Number of the last event that was removed' }),
    type: Type.Literal('gap'),
    first: Type.Integer({ description: 'Number of the oldest event that is still there' }),
  }),
} as const;
