/** Events of an outage: so many nodes fell silent at once that the controller suspects its own side. */
import { Type } from '@sinclair/typebox';
import { event } from './event.ts';

const message = Type.String({ description: 'One sentence for a person' });

export const outageEvents = {
  outage_suspected: event(
    'node',
    'Most nodes fell silent at once, which is more likely a cut of the network at the controller than their end: none is replaced for that until it is over.',
    {
      silent: Type.Integer({ description: 'Nodes that runs wait for and that answer no longer' }),
      of: Type.Integer({ description: 'Of so many that answered before' }),
      until: Type.String({ description: 'Nodes that are silent after this time are replaced; ISO 8601' }),
      message,
    },
  ),
  outage_over: event(
    'node',
    'Nodes that do not answer are given up and replaced again, each after the usual attempts.',
    {
      cause: Type.Union([Type.Literal('answering'), Type.Literal('too_long')], {
        description:
          'answering: enough of them are heard again, or nobody waits for them any more; too_long: the time is over',
      }),
      message,
    },
  ),
};
