/**
 * `hostname` on 100 machines over fresh SSH connections, beside pdsh. No agent runs anywhere; host keys are checked. The
 * peer is pdsh with the best of several fanouts, once with the key exchange that OpenSSH's client prefers and once with the
 * one that Plush uses. A bare loop over ssh2 shows what the library alone takes.
 */
import { readFileSync } from 'node:fs';
import PQueue from 'p-queue';
import { Client } from 'ssh2';
import { MAX_BOOTSTRAPS } from '../src/drivers/nodes/node-driver.ts';
import { type Scratch, withScratch } from '../test/harness/scratch.ts';
import { accessToFarm, type Farm, startFarm } from './support/farm.ts';
import { type Figure, type Peer, printFigures } from './support/figures.ts';
import { pdshHostname, pdshVariants, SAME_KEY_EXCHANGE } from './support/pdsh.ts';
import { type Effort, type Efforts, fastest, secondsOf, takeTurns, timed } from './support/rounds.ts';

const PLUSH = 'plush';
const LIBRARY = 'ssh2 alone';

const OPEN_MS = 30_000;
const COMMAND_MS = 30_000;

async function main(): Promise<void> {
  await withScratch(async (scratch) => {
    const farm = await startFarm(scratch, '127.0.91');
    try {
      await compare(scratch, farm);
    } finally {
      await farm.sshd.kill();
    }
  });
}

async function compare(scratch: Scratch, farm: Farm): Promise<void> {
  const asItComes = pdshVariants();
  const sameExchange = pdshVariants(SAME_KEY_EXCHANGE);
  const pdsh = Object.entries({ ...asItComes, ...sameExchange }).map(
    ([name, options]) => [name, () => pdshHostname(scratch, farm, options)] as const,
  );
  const efforts = await takeTurns(
    {
      [PLUSH]: () => plushHostname(scratch, farm),
      [LIBRARY]: () => bareHostname(farm),
      ...Object.fromEntries(pdsh),
    },
    farm.quiet,
  );
  const pdshBest = fastest(efforts, Object.keys(asItComes));
  const pdshSame = fastest(efforts, Object.keys(sameExchange));
  printFigures(figuresOf(efforts, pdshBest, pdshSame));
}

function figuresOf(efforts: Efforts, pdsh: Peer, pdshSame: Peer): Figure[] {
  const value = secondsOf(efforts, PLUSH);
  const first = (efforts[PLUSH]?.[0]?.ms ?? Number.NaN) / 1000;
  const library = { name: LIBRARY, value: secondsOf(efforts, LIBRARY) };
  const cpu = secondsOf(efforts, PLUSH, 'cpuMs');
  const cpuOf = ({ name }: Peer) => ({ name, value: secondsOf(efforts, name, 'cpuMs') });
  const time = { bench: 'shell', unit: 's', target: null };
  const ratio = { bench: 'shell', unit: 'x', target: '>= 3' };
  return [
    { ...time, figure: 'hostname_100_cold', value, peer: pdsh },
    { ...time, figure: 'hostname_100_cold_first', value: first, peer: pdsh },
    { ...time, figure: 'hostname_100_cold_same_key_exchange', value, peer: pdshSame },
    { ...time, figure: 'hostname_100_cold_beside_library', value, peer: library },
    { ...time, figure: 'client_cpu', value: cpu, peer: cpuOf(pdsh) },
    { ...time, figure: 'client_cpu_same_key_exchange', value: cpu, peer: cpuOf(pdshSame) },
    { ...ratio, figure: 'times_as_fast', value: pdsh.value / value, peer: pdsh },
    { ...ratio, figure: 'times_as_fast_same_key_exchange', value: pdshSame.value / value, peer: pdshSame },
  ];
}

/** As the controller does it: its own driver, as many machines at a time as it connects to. */
async function plushHostname(scratch: Scratch, farm: Farm): Promise<Effort> {
  const access = accessToFarm(scratch, farm);
  const queue = new PQueue({ concurrency: MAX_BOOTSTRAPS });
  return timed(() =>
    queue.addAll(
      farm.nodes.map((node) => async () => {
        const session = await access.open(node, OPEN_MS);
        try {
          const { code, stdout } = await session.exec('hostname', { timeoutMs: COMMAND_MS });
          if (code !== 0 || stdout === '') throw new Error(`${node.hostname} did not answer`);
        } finally {
          session.close();
        }
      }),
    ),
  );
}

/** The library without our driver: all at once, no check of host keys, no deadline. */
function bareHostname({ sshd }: Farm): Promise<Effort> {
  const privateKey = readFileSync(sshd.identityFile);
  const one = (host: string) =>
    new Promise<void>((resolve, reject) => {
      const client = new Client();
      client.on('error', reject);
      client.on('ready', () => {
        client.exec('hostname', (error, channel) => {
          if (error) return reject(error);
          channel.resume();
          channel.on('close', () => {
            client.end();
            resolve();
          });
        });
      });
      client.connect({ host, port: sshd.port, username: sshd.user, privateKey, readyTimeout: OPEN_MS });
    });
  return timed(() => Promise.all(sshd.addresses.map(one)));
}

await main();
