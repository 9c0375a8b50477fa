/** Applications in a few words, for scenarios and simulations. */
import type {
  AppSpec,
  BarrierSpec,
  BlockSpec,
  ClusterSpec,
  ComponentBlockSpec,
  ComponentSpec,
  ExitPolicySpec,
  LivenessSpec,
  Policy,
  ProcessBlockSpec,
  Requirement,
  ResourceRequest,
  RestartBounds,
  WorkflowBlockSpec,
} from '../../api/spec.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Splits "name a=1 b=2" into the words without "=" and the settings. */
export function readWords(line: string): { words: string[]; settings: Map<string, string> } {
  const parts = line.trim().split(/\s+/).filter(Boolean);
  const isSetting = (part: string) => /^[a-z_]+=/.test(part);
  const settings = new Map(
    parts.filter(isSetting).map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at), part.slice(at + 1)];
    }),
  );
  return { words: parts.filter((part) => !isSetting(part)), settings };
}

export function makeComponent(name: string, min: number, max: number): Writable<ComponentSpec> {
  return {
    name,
    min,
    max,
    static_hosts: [],
    preferred_hosts: [],
    software: [],
    resources: [],
    requests: [],
  };
}

export function makeBlock(name: string, predecessors: readonly string[] = []): ProcessBlockSpec {
  const process = { name, path: `./${name}`, args: [], env: {} };
  return { kind: 'process', name, predecessors, process };
}

/** "3", "1-9", "SIGSEGV" or "any", then the policy, its bound and its backoff: "1-9:restart_process:2:500" */
function readExitPolicy(text: string): ExitPolicySpec {
  const [on = '', ...rest] = text.split(':');
  if (on === 'any') return { any: true, ...readPolicy(rest) };
  if (on.startsWith('SIG')) return { signals: [on], ...readPolicy(rest) };
  const [from = '', to = from] = on.split('-');
  return { codes: [{ from: Number(from), to: Number(to) }], ...readPolicy(rest) };
}

function readPolicy([policy, max, backoff]: readonly string[]): RestartBounds & { policy: Policy } {
  return {
    policy: policy as Policy,
    ...(max === undefined ? {} : { max_restarts: Number(max) }),
    ...(backoff === undefined ? {} : { backoff_ms: Number(backoff) }),
  };
}

/** "output" or "command", then as in an exit policy. */
function readMonitor(text: string): LivenessSpec {
  const [type, ...rest] = text.split(':');
  const times = { interval_ms: 1000, timeout_ms: 1000, failures: 3 };
  return { type: type as LivenessSpec['type'], target: 'true', ...times, ...readPolicy(rest) };
}

/** The settings exit=…,… and monitor=…,… */
function readPolicies(settings: ReadonlyMap<string, string>): Pick<AppSpec, 'exit_policies' | 'liveness'> {
  const exits = settings.get('exit')?.split(',');
  const monitors = settings.get('monitor')?.split(',');
  return {
    ...(exits === undefined ? {} : { exit_policies: exits.map(readExitPolicy) }),
    ...(monitors === undefined ? {} : { liveness: monitors.map(readMonitor) }),
  };
}

/** The setting requires=load:..2,free_memory:8.. with memory and disk in GiB */
function requirementsIn(settings: ReadonlyMap<string, string>): Pick<ComponentSpec, 'requirements'> {
  const texts = settings.get('requires')?.split(',');
  if (texts === undefined) return {};
  const requirements = texts.map((text): Requirement => {
    const [metric = '', bounds = ''] = text.split(':');
    const unit = /memory|disk/.test(metric) ? 2 ** 30 : 1;
    const [min = '', max = ''] = bounds.split('..');
    return {
      metric: metric as Requirement['metric'],
      ...(min === '' ? {} : { min: Number(min) * unit }),
      ...(max === '' ? {} : { max: Number(max) * unit }),
    };
  });
  return { requirements };
}

/**
 * An application from lines such as
 *
 *     component workers 2..3 group=lab static=n1 preferred=n2 software=tool
 *     component_block w workers after=other cleanup=./tidy remove
 *     component_block x workers after=w cluster=few hosts=2 software=tool
 *     block first
 *     block second after=first exit=3:continue,any:restart_process:2:500 monitor=output:ignore
 *     block third output=result.txt,log/a
 *     policies exit=SIGSEGV:ignore
 *     service 30
 *     barrier meet early percent=75 timeout_ms=30000 late=catchup catchup=other
 *     barrier_block wait meet after=first
 *     workflow crunch 5 min_percent=50 max_attempts=3 knee=kneedle
 *     step part
 *     step other after=part exit=3:ignore
 *     gate all meet after=part
 *
 * @throws Error for a line that is none of these
 */
export function readApplication(name: string, lines: readonly string[]): AppSpec {
  const components: ComponentSpec[] = [];
  const policies: Pick<AppSpec, 'exit_policies' | 'liveness'> = {};
  const service: { -readonly [K in 'service' | 'reconnect_interval_ms']?: AppSpec[K] } = {};
  const parents: (Omit<ComponentBlockSpec, 'blocks'> & { blocks: BlockSpec[] })[] = [];
  const barriers: BarrierSpec[] = [];
  for (const line of lines) {
    const { words, settings } = readWords(line);
    const [kind = '', first = '', second = ''] = words;
    const list = (key: string) => settings.get(key)?.split(',') ?? [];
    if (kind === 'component') {
      const [min = '1', max = min] = second.split('..');
      components.push({
        ...makeComponent(first, Number(min), Number(max)),
        static_hosts: list('static').map((hostname) => ({ hostname })),
        preferred_hosts: list('preferred').map((hostname) => ({ hostname })),
        software: list('software'),
        resources: list('group').map((group) => ({ group })),
        ...requirementsIn(settings),
        requests: list('asks').map((service) => ({
          service: service as ResourceRequest['service'],
          server: `http://${service}.example/`,
          attributes: {},
        })),
        ...(settings.has('user') ? { authentication: { user: settings.get('user') ?? '' } } : {}),
      });
    } else if (kind === 'component_block') {
      const command = settings.get('cleanup');
      const isRemoved = words.includes('remove');
      const cleanup = { ...(command && { command }), ...(isRemoved && { remove: true }) };
      parents.push({
        name: first,
        component: second,
        predecessors: list('after'),
        blocks: [],
        ...(command || isRemoved ? { cleanup } : {}),
        ...(settings.has('cluster') ? { cluster: readCluster(settings) } : {}),
      });
    } else if (kind === 'barrier') {
      barriers.push(readBarrier(first, second, settings));
    } else if (kind === 'barrier_block') {
      const block = { kind: 'barrier' as const, name: first, barrier: second, predecessors: list('after') };
      parents.at(-1)?.blocks.push(block);
    } else if (kind === 'block') {
      const block = makeBlock(first, list('after'));
      const outputs = settings.has('output') ? { outputs: list('output') } : {};
      const process = { ...block.process, ...outputs, ...readPolicies(settings) };
      parents.at(-1)?.blocks.push({ ...block, process });
    } else if (kind === 'workflow') {
      parents.at(-1)?.blocks.push(makeWorkflow(first, Number(second), list('after'), settings));
    } else if (kind === 'step') {
      const { process, ...step } = makeBlock(first, list('after'));
      addStep(parents, { ...step, process: { ...process, ...readPolicies(settings) } });
    } else if (kind === 'gate') {
      addStep(parents, { kind: 'barrier', name: first, barrier: second, predecessors: list('after') });
    } else if (kind === 'service') {
      service.service = true;
      if (first !== '') service.reconnect_interval_ms = Number(first) * 1000;
    } else if (kind === 'policies') {
      Object.assign(policies, readPolicies(settings));
    } else {
      throw new Error(`An application has no ${line}`);
    }
  }
  const software = [...new Set(components.flatMap((c) => c.software))].map((one) => ({
    name: one,
    type: 'none' as const,
    // What is called "fetched-…" comes over the network.
    ...(one.startsWith('fetched-')
      ? { package: { name: one, type: 'web' as const, path: `http://packages/${one}`, dest_path: one } }
      : {}),
  }));
  const application = {
    name,
    project: name,
    software,
    components,
    component_blocks: parents,
    ...policies,
    ...service,
  };
  return barriers.length === 0 ? application : { ...application, barriers };
}

function readCluster(settings: ReadonlyMap<string, string>): ClusterSpec {
  const hosts = settings.get('hosts');
  return {
    name: settings.get('cluster') ?? '',
    ...(hosts === undefined ? {} : { hosts: Number(hosts) }),
    software: settings.get('software')?.split(',') ?? [],
  };
}

/** Puts a block into the workflow that was made last. */
function addStep(
  parents: readonly { readonly blocks: BlockSpec[] }[],
  step: WorkflowBlockSpec['blocks'][number],
): void {
  const parent = parents.at(-1)?.blocks;
  const workflow = parent?.pop() as WorkflowBlockSpec;
  parent?.push({ ...workflow, blocks: [...workflow.blocks, step] });
}

/** A workflow without steps yet; `knee=none` for one without reallocation. */
export function makeWorkflow(
  name: string,
  num_tasks: number,
  predecessors: readonly string[],
  settings: ReadonlyMap<string, string>,
): WorkflowBlockSpec {
  const knee = settings.get('knee') ?? 'ewma';
  const wait = settings.get('min_wait_ms');
  const reallocation = {
    knee: knee as 'ewma' | 'kneedle',
    min_percent: Number(settings.get('min_percent') ?? 60),
    max_attempts: Number(settings.get('max_attempts') ?? 2),
    ...(wait === undefined ? {} : { min_wait_ms: Number(wait) }),
  };
  const base = { kind: 'workflow', name, id: name, predecessors, num_tasks, blocks: [] } as const;
  return knee === 'none' ? base : { ...base, reallocation };
}

/** Members of a barrier as they are called in api/spec.ts; what looks like a number is one. */
function readBarrier(name: string, type: string, settings: ReadonlyMap<string, string>): BarrierSpec {
  const more = [...settings].map(([key, value]) => [key, /^\d+$/.test(value) ? Number(value) : value]);
  const manual = settings.has('manual') ? { manual: true } : {};
  return { name, type: type as BarrierSpec['type'], ...Object.fromEntries(more), ...manual };
}
