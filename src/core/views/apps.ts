/** Answers about the applications that are loaded. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import { Rejection } from '../rejection.ts';
import type { LoadedApp, State } from '../state.ts';
import { DEFAULT_PAGE_ITEMS, indexAfter, makeCursor, readCursor } from './page.ts';

type AppPage = ResultOf<'plushListApps'>;
type AppInfo = AppPage['apps'][number];
type AppDetail = ResultOf<'plushGetApp'>;
type AppFilter = NonNullable<ParamsOf<'plushListApps'>[0]>;

function appInfo({ spec, file, loaded }: LoadedApp): AppInfo {
  return {
    name: spec.name,
    project: spec.project,
    file,
    loaded,
    components: spec.components.length,
    component_blocks: spec.component_blocks.length,
  };
}

/** A page of the applications in the order of their names. @throws Rejection BAD_CURSOR */
export function listApps(state: State, { limit = DEFAULT_PAGE_ITEMS, cursor }: AppFilter): AppPage {
  const names = [...state.apps.keys()].sort();
  const from = indexAfter(names, readCursor('apps', cursor), (name) => name);
  const shown = names.slice(from, from + limit);
  const last = from + limit < names.length ? shown.at(-1) : undefined;
  return {
    apps: shown.map((name) => appInfo(state.apps.get(name) as LoadedApp)),
    total: names.length,
    ...(last === undefined ? {} : { cursor: makeCursor('apps', last) }),
  };
}

/** @throws Rejection APP_NOT_FOUND */
export function appDetail(state: State, name: string): AppDetail {
  const app = state.apps.get(name);
  if (app === undefined)
    throw new Rejection('APP_NOT_FOUND', `No application "${name}" is loaded`, { app: name });
  return { ...appInfo(app), spec: app.spec };
}
