/**
 * The shell text that prepares a node. It needs a POSIX shell and nothing else, starts no process that it can do without
 * (a hundred nodes are prepared at once), and says what it found in lines that begin with PLUSH.
 *
 * On a node:
 *     ~/.plush/cache/agent-HASH.cjs          the bundle, shared by all nodes of the machine
 *     ~/.plush/cache/node-…/node             a runtime, where the machine has no suitable one
 *     ~/.plush/CONTROLLER/NODE/              the node's own folder: socket, log, runs
 */

export interface ScriptInput {
  /** Names of folders and files; hexadecimal digits and dashes only. */
  readonly controller: string;
  readonly nodeFolder: string;
  readonly bundle: string;
  readonly runtimeKey?: string;
  /** Environment of the agent: names to values of any kind. */
  readonly env: Readonly<Record<string, string>>;
}

/** A word that a POSIX shell takes as it is. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Longest path that every system takes for a Unix socket. */
const MAX_SOCKET_PATH = 100;

export function bootstrapScript({ controller, nodeFolder, bundle, runtimeKey, env }: ScriptInput): string {
  const runtime =
    runtimeKey === undefined ? '' : `R="$C/${runtimeKey}/node"\nif [ -x "$R" ]; then N="$R"; fi\n`;
  const exports = Object.entries(env)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(' ');
  // The first echo ends a line that the login shell may have begun.
  return `echo
umask 077
B="\${PLUSH_BASE:-$HOME/.plush}"
C="\${PLUSH_CACHE:-$B/cache}"
D="$B/${controller}/${nodeFolder}"
A="$C/agent-${bundle}.cjs"
free() { df -Pk "$B" | { read -r _; read -r _ _ _ free _; echo "$free"; }; }
need() {
  echo "PLUSH need=$1 $(uname -sm) $(free)"
  exit 0
}
fail() {
  echo "PLUSH fail=$1 $(free)"
  exit 0
}
[ -d "$D" ] && [ -d "$C" ] || mkdir -p "$D" "$C" || fail folder
S="$D/s"
if [ \${#S} -gt ${MAX_SOCKET_PATH} ]; then
  T="/tmp/plush-$(id -u)"
  mkdir -p -m 700 "$T" && [ -O "$T" ] || fail socket
  S="$T/${controller}-${nodeFolder}"
fi
[ -f "$A" ] || need bundle
N="$(command -v node || command -v nodejs)"
${runtime}[ -n "$N" ] || need runtime
echo "PLUSH node=$N"
echo "PLUSH bundle=$A"
echo "PLUSH socket=$S"
if command -v setsid >/dev/null; then X=setsid; else X=nohup; fi
{ : >>"$D/agent.log"; } || fail folder
${exports} $X "$N" "$A" --dir "$D" --socket "$S" --bundle ${bundle} </dev/null 2>>"$D/agent.log" &
`;
}

/** A command that stores its standard input in the node's cache under a name, whole or not at all. */
export function storeCommand(name: string, bytes: number, unpack: boolean): string {
  const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '';
  const text = [
    'umask 077',
    `C="\${PLUSH_CACHE:-\${PLUSH_BASE:-$HOME/.plush}/cache}"`,
    `[ -d "$C/${folder}" ] || mkdir -p "$C/${folder}" || exit 1`,
    `F="$C/${name}"`,
    'P="$F.$$"',
    'trap "rm -f \\"$P\\"" EXIT',
    `${unpack ? 'gzip -dc' : 'cat'} >"$P" || exit 1`,
    `test "$(wc -c <"$P")" -eq ${bytes} || exit 2`,
    `${unpack ? 'chmod 700 "$P" && ' : ''}mv -f "$P" "$F" && echo PLUSH stored`,
  ].join('; ');
  return `/bin/sh -c ${quote(text)}`;
}

/**
 * The command that shows the end of an agent's log and, behind a line PLUSH, how many KB the file system of Plush's folder has free:
 * where there is no room, there is none for the words of an agent either.
 */
export function logCommand(controller: string, nodeFolder: string): string {
  const text = [
    `B="\${PLUSH_BASE:-$HOME/.plush}"; tail -n 20 "$B/${controller}/${nodeFolder}/agent.log"`,
    'echo; echo PLUSH; df -Pk "$B" | { read -r _; read -r _ _ _ free _; echo "$free"; }',
  ].join('; ');
  return `/bin/sh -c ${quote(text)}`;
}

/** The command that carries a stream to an agent's socket where sshd does not (see relay.ts). */
export function relayCommand({
  node,
  bundle,
  socket,
}: {
  node: string;
  bundle: string;
  socket: string;
}): string {
  return `exec ${quote(node)} ${quote(bundle)} --relay ${quote(socket)}`;
}
