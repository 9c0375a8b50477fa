/** What a plan says of requests to services that judge nodes or make them. */
import type { ResultOf } from '../../../api/methods.ts';
import type { AppSpec, ComponentSpec, ResourceRequest } from '../../../api/spec.ts';
import type { ResourcePart, State } from '../state.ts';

type PlannedRequest = ResultOf<'plushPlanApp'>['requests'][number];

export function requestsIn(
  state: State,
  app: AppSpec,
  components: readonly ComponentSpec[],
): PlannedRequest[] {
  const isLoaded = state.apps.get(app.name)?.spec === app;
  const newest = isLoaded ? newestParts(state) : new Map<string, ResourcePart>();
  return components.flatMap(({ name, requests }) =>
    requests.map((request, place) => {
      const { service, server } = request;
      const asked = newest.get(keyOf(name, place, service, server));
      const note = service === 'sword' ? queryNote(request, isLoaded, asked) : demandNote(app, asked);
      return { component: name, service, ...(server === undefined ? {} : { server }), note };
    }),
  );
}

/** The newest request of each kind, as far as operations are remembered. */
function newestParts({ operations }: State): Map<string, ResourcePart> {
  const newest = new Map<string, ResourcePart>();
  for (const { parts } of operations.values())
    for (const part of parts)
      newest.set(keyOf(part.component, part.request, part.service, part.server), part);
  return newest;
}

function keyOf(component: string, request: number, service: string, server = ''): string {
  return JSON.stringify([component, request, service, server]);
}

const NO_RATING = 'preferences are as they would be without it';

function queryNote({ server }: ResourceRequest, isLoaded: boolean, asked: ResourcePart | undefined): string {
  if (server === undefined) return `Never sent, since it names no server: ${NO_RATING}`;
  if (!isLoaded) return `Not sent yet: loading the application sends it, and until then ${NO_RATING}`;
  switch (asked?.state) {
    case undefined:
      return `No answer to it is remembered; loading the application again sends it`;
    case 'accepted':
      return 'Answered: preferences hold what it says';
    case 'pending':
      return `Not answered yet, and until then ${NO_RATING}`;
    default:
      return `Sent in vain (${asked?.message}): ${NO_RATING}`;
  }
}

function demandNote({ service }: AppSpec, asked: ResourcePart | undefined): string {
  const when =
    service === true
      ? 'plushCreateResources and, when it looks for nodes, the service send it'
      : 'plushCreateResources sends it';
  const answers = {
    pending: 'not answered yet',
    accepted: 'accepted',
    refused: 'refused',
    unknown: 'not known',
  };
  return asked === undefined ? `Not sent by a run: ${when}` : `Sent, ${answers[asked.state]}; ${when} again`;
}
