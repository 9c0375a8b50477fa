/** plushd put together: state folder, journal, loop, drivers, callbacks, and the face to the network. */
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { SCOPES } from '../../api/method.ts';
import type { NodeSpec } from '../../api/spec.ts';
import type { Effect } from '../core/effect.ts';
import type { Input } from '../core/input.ts';
import { hostPart } from '../core/pool/hostname.ts';
import { specOf } from '../core/pool/login.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../drivers/agent-error.ts';
import { CallbackSecrets } from '../drivers/callback-secrets.ts';
import { createAuthenticate } from '../drivers/http/auth.ts';
import type { Certificate, HttpFace } from '../drivers/http/face.ts';
import { createHttpFace } from '../drivers/http/server.ts';
import type { Journal } from '../drivers/journal.ts';
import { openSqliteJournal } from '../drivers/journal-sqlite.ts';
import { createLocalAccess } from '../drivers/local/access.ts';
import type { Log } from '../drivers/log.ts';
import { openAgentKit } from '../drivers/nodes/agent-kit.ts';
import { NodeDriver, type NodeEffect } from '../drivers/nodes/node-driver.ts';
import { PackageStore } from '../drivers/nodes/packages.ts';
import { openOutputStore } from '../drivers/outputs.ts';
import { requestResources } from '../drivers/resource-service.ts';
import { SpecReader } from '../drivers/specs/spec-reader.ts';
import type { SshAccess } from '../drivers/ssh/access.ts';
import { openStateDir, type StateDir } from '../drivers/state-dir.ts';
import { TokenBook } from '../drivers/token-book.ts';
import { ensureToken } from '../drivers/token-file.ts';
import { Audit } from './audit.ts';
import { observeAll } from './call.ts';
import { createCallLog } from './call-log.ts';
import { createCallMetrics } from './call-metrics.ts';
import { SYSTEM_CLOCK } from './callback-reader.ts';
import { Callbacks } from './callbacks.ts';
import type { Context } from './context.ts';
import { Directory } from './directory.ts';
import { Dispatcher } from './dispatcher.ts';
import { EventStream } from './event-stream.ts';
import { allHandlers } from './handlers/all.ts';
import { OWNER } from './handlers/tokens.ts';
import { Loop } from './loop.ts';
import { registerMetrics } from './metrics.ts';
import { Operations } from './operations.ts';
import type { Options } from './options.ts';
import { openPlanetLab, type PlanetLab } from './planetlab.ts';
import { createRpc } from './rpc.ts';
import { SocketClients } from './socket-clients.ts';
import { SocketSubscriptions } from './socket-subscriptions.ts';
import { sshAccess } from './ssh-access.ts';
import { Timers } from './timers.ts';
import { Transfers } from './transfers.ts';
import { createWeb } from './web.ts';

/** How long answers under way may take when the daemon stops. */
const CLOSE_GRACE_MS = 2_000;
/** How long agents may take to leave, and callback clients to take their last calls, on plushQuit. */
const LEAVE_MS = 20_000;
const DRAIN_MS = 3_000;

export interface Ready {
  readonly url: string;
  readonly token_file: string;
  readonly warnings: readonly string[];
}

export interface DaemonOptions {
  readonly options: Options;
  readonly version: string;
  /** The agent's bundle. */
  readonly bundleFile: string;
  /** The thread that reads specifications. */
  readonly specThreadFile: string;
  readonly log: Log;
  /** The daemon has ended by itself: plushQuit (0) or because it cannot go on (1). */
  readonly onEnd: (exitCode: number) => void;
}

export class Daemon {
  readonly #setup: DaemonOptions;
  readonly #specs: SpecReader;
  readonly #directory: Directory;
  #stateDir: StateDir | undefined;
  #loop: Loop | undefined;
  #ssh: SshAccess | undefined;
  #nodes: NodeDriver | undefined;
  #packages: PackageStore | undefined;
  #outputs: Context['outputs'] | undefined;
  #callbacks: Callbacks | undefined;
  #operations: Operations | undefined;
  #planetlab: PlanetLab | undefined;
  #face: HttpFace | undefined;
  #tokens: TokenBook | undefined;
  #audit: Audit | undefined;
  #closeJournal: () => void = () => {};
  readonly #transfers = new Transfers(
    () => this.#loop?.state,
    (measured) => this.#submit({ type: 'transfers_measured', ...measured }),
  );
  readonly #timers = new Timers((timer) => this.#submit({ type: 'timer', timer }));
  #ready = false;
  #ending = false;

  constructor(setup: DaemonOptions) {
    this.#setup = setup;
    this.#specs = new SpecReader({ threadFile: setup.specThreadFile, log: setup.log });
    this.#directory = new Directory(this.#specs, setup.options.directory);
  }

  /** Takes the state folder, folds the journal, begins to serve, and takes runs up again. @throws with a sentence when it cannot */
  async start(): Promise<Ready> {
    const { options, version, log } = this.#setup;
    const stateDir = openStateDir(options.state);
    this.#stateDir = stateDir;
    const token = ensureToken(options.tokenFile ?? stateDir.file('token'));
    this.#tokens = new TokenBook({ file: stateDir.file('tokens.json'), defaultRate: options.rateLimit });
    this.#audit = new Audit(stateDir.file('audit.log'), log);
    const journal = openSqliteJournal(stateDir.file('journal.db'));
    this.#closeJournal = () => journal.close();
    const events = new EventStream(journal);
    const loop = new Loop({
      journal,
      moment: () => ({
        nowMs: Date.now(),
        seed: randomInt(2 ** 32),
        hosts: (hostname) => this.#nodes?.recentHost(hostname),
        rules: options.nodeRules,
      }),
      carryOut: (effect) => this.#carryOut(effect),
      onCommit: () => {
        events.wake();
        this.#callbacks?.wake();
        this.#operations?.wake();
      },
      onFatal: (error) => this.#fatal(error),
      onSnapshotFailed: (error) =>
        log.warn({ err: messageOf(error) }, 'The journal was not tidied; it is tried again later'),
      keepAfter: () => this.#callbacks?.needed() ?? 0,
    });
    this.#loop = loop;
    await loop.submit({ type: 'start_controller', controller: randomBytes(4).toString('hex'), version });
    const outputs = openOutputStore(stateDir.file('outputs'));
    this.#outputs = outputs;
    const secrets = openSecrets(stateDir, loop.state);
    this.#callbacks = this.#makeCallbacks(loop, journal, secrets, this.#tokens);
    const nodes = await this.#makeNodes(loop, stateDir, outputs);
    this.#nodes = nodes;
    const submit = (input: Input) => loop.submit(input);
    this.#operations = new Operations({ state: loop.state, submit, nodes, log });
    const planetlab = openPlanetLab(options, loop, log);
    this.#planetlab = planetlab;
    const context: Context = {
      state: loop.state,
      submit: (input, call) => loop.submit(input, call),
      journal,
      nodes,
      outputs,
      specs: this.#specs,
      callbacks: this.#callbacks,
      socketSubscriptions: new SocketSubscriptions(),
      secrets,
      operations: this.#operations,
      transfers: this.#transfers.progress,
      planetlab: () => planetlab.info(),
      tokens: this.#tokens,
      appsDir: options.apps,
      stateDir: stateDir.path,
      version,
      started: new Date().toISOString(),
      callbackHosts: options.callbackHosts,
    };
    await this.loadDirectory();
    const url = await this.#serve(context, token.token, events, this.#tokens, this.#audit);
    this.#tidyUp();
    loop.resume();
    this.#callbacks.wake();
    this.#ready = true;
    const token_file = options.tokenFile ?? stateDir.file('token');
    stateDir.writeRuntimeInfo({ url, pid: process.pid, token_file });
    const warnings = [
      ...stateDir.warnings,
      ...(token.warning === undefined ? [] : [token.warning]),
      ...this.#tokens.warnings,
    ];
    return { url, token_file, warnings };
  }

  /** Reads the directory file, again too. @throws OptionError with all that is wrong in it */
  loadDirectory(): Promise<void> {
    return this.#directory.load(async ({ nodes, planetlab }) => {
      await this.#loop?.submit({ type: 'load_directory', nodes, slices: planetlab?.slices ?? [] });
      this.#planetlab?.use(planetlab);
    });
  }

  /** Reads the certificate again and serves new connections with it. @throws with a sentence; the former one stays */
  renewCertificate(): boolean {
    const certificate = this.#readCertificate();
    if (certificate === undefined || this.#face === undefined) return false;
    this.#face.renewCertificate(certificate);
    return true;
  }

  #readCertificate(): Certificate | undefined {
    const { tlsCert, tlsKey } = this.#setup.options;
    if (tlsCert === undefined || tlsKey === undefined) return undefined;
    return { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) };
  }

  /** Stops serving; runs go on without this daemon and are picked up by the next. */
  async stop(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#ready = false;
    this.#timers.close();
    this.#planetlab?.close();
    this.#operations?.close();
    await this.#face?.close({ graceMs: CLOSE_GRACE_MS });
    this.#specs.close();
    this.#tokens?.close();
    this.#audit?.close();
    this.#callbacks?.close();
    this.#nodes?.close();
    this.#loop?.close();
    this.#closeJournal();
    this.#stateDir?.close();
  }

  #makeCallbacks(loop: Loop, journal: Journal, secrets: CallbackSecrets, tokens: TokenBook): Callbacks {
    return new Callbacks({
      journal,
      state: loop.state,
      secrets,
      clock: SYSTEM_CLOCK,
      isGoodCaller: (name) => name === OWNER || tokens.isGood(name),
      submit: (input) => loop.submit(input),
      random: Math.random,
      log: this.#setup.log,
    });
  }

  async #makeNodes(loop: Loop, stateDir: StateDir, outputs: Context['outputs']): Promise<NodeDriver> {
    const { options, bundleFile, log } = this.#setup;
    this.#ssh = sshAccess(options, stateDir);
    const ssh = this.#ssh;
    this.#packages = new PackageStore({
      dir: stateDir.file('packages'),
      ssh,
      appsDir: options.apps,
      nodeOnHost: (host) =>
        [...loop.state.nodes.values()].find((node) => hostPart(node.spec.hostname) === host)?.spec,
    });
    return new NodeDriver({
      ssh,
      local: createLocalAccess({ baseDir: stateDir.file('local') }),
      kit: await openAgentKit(bundleFile, stateDir.file('cache'), options.maintenance),
      packages: this.#packages,
      outputs,
      controller: loop.state.controller,
      epoch: () => loop.state.epoch,
      report: (input) => this.#submit(input),
      onTransfer: (...heard) => this.#transfers.heard(...heard),
      log,
    });
  }

  async #serve(
    context: Context,
    token: string,
    events: EventStream,
    tokens: TokenBook,
    audit: Audit,
  ): Promise<string> {
    const { options, log } = this.#setup;
    const registry = new Registry();
    registerMetrics(registry, {
      ...context,
      sshConnections: () => this.#ssh?.connections ?? 0,
      http: () => this.#face?.usage(),
    });
    const observer = observeAll([createCallLog(log), createCallMetrics(registry), audit]);
    const rpc = createRpc(
      new Dispatcher(allHandlers(context), log, () => this.#loop?.durable(), observer),
      observer,
    );
    const sockets = new SocketClients({ ...context, converse: rpc.converse, events, log });
    const tls = this.#readCertificate();
    const owner = { token, caller: { name: OWNER, scopes: new Set(SCOPES) } };
    this.#face = createHttpFace({
      listen: { host: options.host, port: options.port },
      ...(tls === undefined ? {} : { tls }),
      authenticate: createAuthenticate([owner], (presented) => tokens.find(presented)),
      corsOrigins: options.corsOrigins,
      onStranger: (remote, path) => audit.stranger(remote, path),
      rpc: { ...rpc, events: (query) => events.open(query) },
      openSocket: sockets.open,
      web: createWeb({ whyNotReady: () => this.#whyNotReady(), metrics: registry }),
      allowedHosts: options.allowedHosts,
      limits: { maxBodyBytes: options.maxBodyBytes },
      log,
    });
    return this.#face.listen();
  }

  /** For /readyz; undefined when calls are answered. */
  #whyNotReady(): string | undefined {
    if (this.#ending) return 'plushd is stopping';
    if (!this.#ready) return 'plushd is starting';
    return this.#loop?.state.quitting === true ? 'plushQuit is under way' : undefined;
  }

  #submit(input: Input): void {
    this.#loop?.submit(input).catch((error: unknown) => {
      this.#setup.log.error({ input: input.type, err: messageOf(error) }, 'An input could not be decided');
    });
  }

  #carryOut(effect: Effect): void {
    const { log } = this.#setup;
    log.debug({ effect: effect.type }, 'Effect');
    switch (effect.type) {
      case 'timer':
        this.#timers.set(effect.timer, effect.delayMs);
        return;
      case 'quit':
        void this.#quit();
        return;
      case 'release':
        this.#timers.release(effect.run_id);
        this.#tidyUp();
        return;
      case 'request_resources':
        void this.#requestResources(effect);
        return;
      default:
        this.#nodes?.carryOut(effect satisfies NodeEffect);
    }
  }

  async #requestResources({
    request,
    component,
    index,
    operation_id,
  }: Extract<Effect, { type: 'request_resources' }>): Promise<void> {
    const answer = await requestResources(request, component, operation_id);
    this.#submit({ type: 'resources_answered', operation_id, component, request: index, ...answer });
  }

  /** Everything is clean: agents leave, clients hear the last of it, and the daemon ends. */
  async #quit(): Promise<void> {
    if (this.#ending) return;
    const left = (await this.#nodes?.dismissAll(this.#startedAgents(), LEAVE_MS)) ?? [];
    await Promise.all(left.map((hostname) => this.#loop?.submit({ type: 'left', hostname })));
    await this.#callbacks?.drain(DRAIN_MS);
    await this.stop();
    this.#setup.onEnd(0);
  }

  /** Removes what is kept of runs that are over (packages) or forgotten (output). */
  #tidyUp(): void {
    const state = this.#loop?.state;
    if (state === undefined) return;
    const tidying = [
      this.#packages?.keepOnly(new Set(state.active)),
      this.#outputs?.prune(new Set(state.runs.keys())),
    ];
    Promise.all(tidying).catch((error: unknown) => {
      this.#setup.log.warn({ err: messageOf(error) }, 'What old runs left could not be removed');
    });
  }

  /** Nodes on which an agent may be, as far as anybody knows. */
  #startedAgents(): NodeSpec[] {
    const state = this.#loop?.state;
    if (state === undefined) return [];
    const started = [...state.nodes.values()].filter(
      (node) => node.agent !== undefined || node.link === 'connected',
    );
    return [...started.map(specOf), ...state.leaving.values()];
  }

  /** What is not durable must not happen, nor lead to more; the next daemon goes on from what is. */
  #fatal(error: unknown): void {
    this.#setup.log.error(
      { err: messageOf(error) },
      'The journal cannot be written, or lags behind; the daemon ends',
    );
    this.#setup.onEnd(1);
  }
}

/** The secrets of callback subscribers, without those that nobody has any more. */
function openSecrets(stateDir: StateDir, { clients, subscriptions }: State): CallbackSecrets {
  const secrets = new CallbackSecrets(stateDir.file('callback-secrets.json'));
  const named = [...clients.values(), ...subscriptions.values()].map(({ credentials }) => credentials);
  secrets.keepOnly(new Set(named.filter((reference) => reference !== undefined)));
  return secrets;
}
