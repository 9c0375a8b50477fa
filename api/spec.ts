/**
 * The application as it is after parsing: one typed model, whatever dialect of the XML it came from.
 *
 * The members are in snake_case because plushGetApp and the `app_loaded` event put this model on the wire as it is.
 * Source: sections 3.1 and 4 of plush-toit.2011; figures 7, 8, 14, 16 and 18.
 */

/** Where a package comes from and what it is called on the node. */
export interface PackageSpec {
  readonly name: string;
  /** `web`: the node fetches an http(s) URL. `scp`: the controller reads `[user@]host:path` over SSH and hands it on. */
  readonly type: 'web' | 'scp';
  readonly path: string;
  /** File name under which the package is saved in the run's working folder; relative, never leaves it. */
  readonly dest_path: string;
  /** Lower-case hexadecimal digest that the bytes must have. */
  readonly sha256?: string;
  /** Exact size in bytes that the package must have. */
  readonly size?: number;
}

/** A piece of software and how it is installed after its package has arrived. */
export interface SoftwareSpec {
  readonly name: string;
  /** `tar` also takes gzip-compressed archives, `none` leaves the package as it came. */
  readonly type: 'tar' | 'tgz' | 'none';
  readonly package?: PackageSpec;
  /** Shell command run in the working folder after unpacking. */
  readonly install?: string;
}

/** A host that the specification names; `user` comes from `user@host`. */
export interface HostReference {
  readonly hostname: string;
  readonly user?: string;
}

/** A request to a service that makes resources (sections 4.3 and 4.4), kept as written. */
export interface ResourceRequest {
  readonly service: 'sword' | 'shirako' | 'usher';
  /** XML-RPC URL of the service, where the request names one. */
  readonly server?: string;
  /** Child element name → text, in the order of the document. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A named group of nodes that the application asks for. */
export interface ComponentSpec {
  readonly name: string;
  /** The run goes on with this many nodes, fails below it. `num_hosts` sets min and max alike. */
  readonly min: number;
  readonly max: number;
  /** Hosts that must be used; losing one aborts the run. */
  readonly static_hosts: readonly HostReference[];
  readonly preferred_hosts: readonly HostReference[];
  /** Names of software, in order of installation. */
  readonly software: readonly string[];
  /** Pools to choose from: a node is eligible when its group (and type) match one of them; none listed means every node. */
  readonly resources: readonly { readonly type?: string; readonly group?: string }[];
  readonly requests: readonly ResourceRequest[];
}

/** A program to run on each node of the component. */
export interface ProcessSpec {
  readonly name: string;
  /** Program, resolved against `cwd` when it has a slash, else through PATH. */
  readonly path: string;
  /** Folder relative to the run's working folder on the node; default the working folder itself. */
  readonly cwd?: string;
  /** Arguments exactly as given: no shell ever sees them. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A process block: completes on a node when its process has exited with code 0 there. */
export interface ProcessBlockSpec {
  readonly kind: 'process';
  readonly name: string;
  /**
   * Names of blocks that must complete first. A block of the same component block counts node by node; a component
   * block, or a block of another component, must have completed on all its nodes.
   */
  readonly predecessors: readonly string[];
  readonly process: ProcessSpec;
}

/** The work of one component. Component blocks run in parallel unless a predecessor orders them. */
export interface ComponentBlockSpec {
  readonly name: string;
  readonly component: string;
  readonly predecessors: readonly string[];
  readonly blocks: readonly ProcessBlockSpec[];
}

/** A whole application. */
export interface AppSpec {
  /** The application block's name, by which the API knows the application. */
  readonly name: string;
  readonly project: string;
  readonly software: readonly SoftwareSpec[];
  readonly components: readonly ComponentSpec[];
  readonly component_blocks: readonly ComponentBlockSpec[];
}

/** A problem found in an XML file. `line` and `column` count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Stable symbol, such as UNKNOWN_COMPONENT. */
  readonly code: string;
  /** One sentence, with a suggestion where there is one. */
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** Path of the element, such as /plush/project/component[2]/rspec. */
  readonly path: string;
}

/** A node of the pool as the directory or plushAddNode describes it. */
export interface NodeSpec {
  /** "host" or "host:port": the name of the node; several nodes may share one host (ModelNet's virtual nodes). */
  readonly hostname: string;
  /** `ssh` (default) or `local`, child processes on the controller's own machine. */
  readonly type: 'ssh' | 'local';
  readonly user?: string;
  readonly group?: string;
  /** Default 22. */
  readonly ssh_port?: number;
  /** Private key file on the controller, for this node alone. */
  readonly ssh_identity?: string;
  /** Higher is chosen first; default 0. */
  readonly preference?: number;
  /** ModelNet's virtual IP and virtual node number, handed to the agent's and its tasks' environment. */
  readonly vip?: string;
  readonly vn?: string;
  readonly flag?: string;
  readonly lease?: { readonly id: string; readonly expires?: string };
  readonly properties?: Readonly<Record<string, string>>;
}
