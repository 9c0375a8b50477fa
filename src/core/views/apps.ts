/** What the API shows of applications. */
import type { Static } from '@sinclair/typebox';
import type { AppDetail, AppInfo, AppPage } from '../../../api/answers.ts';
import { Rejection } from '../rejection.ts';
import type { LoadedApp, State } from '../state.ts';
import { type PageRequest, pageOfNames } from './page.ts';

function appInfo({ spec, file, loaded }: LoadedApp): Static<typeof AppInfo> {
  return {
    name: spec.name,
    project: spec.project,
    file,
    loaded,
    components: spec.components.length,
    component_blocks: spec.component_blocks.length,
  };
}

export function listApps(state: State, filter: PageRequest): Static<typeof AppPage> {
  const { names, cursor } = pageOfNames([...state.apps.keys()].sort(), filter);
  const apps = names.map((name) => appInfo(state.apps.get(name) as LoadedApp));
  return { apps, total: state.apps.size, ...(cursor === undefined ? {} : { cursor }) };
}

/** @throws Rejection APP_NOT_FOUND */
export function appDetail(state: State, name: string): Static<typeof AppDetail> {
  const app = state.apps.get(name);
  if (app === undefined)
    throw new Rejection('APP_NOT_FOUND', `No application "${name}" is loaded`, { app: name });
  return { ...appInfo(app), spec: app.spec };
}
