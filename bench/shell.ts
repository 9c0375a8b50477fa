/**
 * `hostname` on 100 machines over fresh SSH connections, beside pdsh. No agent runs anywhere; host keys are checked; the
 * peer is pdsh with the best of several fanouts. A bare loop over ssh2 shows what the library alone takes.
 */
import { readFileSync } from 'node:fs';
import PQueue from 'p-queue';
import { Client } from 'ssh2';
import { MAX_BOOTSTRAPS } from '../src/drivers/nodes/node-driver.ts';
import { type Scratch, withScratch } from '../test/harness/scratch.ts';
import { accessToFarm, type Farm, startFarm } from './support/farm.ts';
import { median, printFigures } from './support/figures.ts';
import { DEFAULT_FANOUT, pdshHostname } from './support/pdsh.ts';
import { takeTurns, timed } from './support/rounds.ts';

const FANOUTS = [DEFAULT_FANOUT, 64, 100] as const;
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
  const alone = async (work: () => Promise<number>) => {
    const ms = await work();
    await farm.quiet();
    return ms;
  };
  const taken = await takeTurns({
    plush: () => alone(() => plushHostname(scratch, farm)),
    'pdsh -f 32': () => alone(() => pdshHostname(scratch, farm, FANOUTS[0])),
    'pdsh -f 64': () => alone(() => pdshHostname(scratch, farm, FANOUTS[1])),
    'pdsh -f 100': () => alone(() => pdshHostname(scratch, farm, FANOUTS[2])),
    ssh2: () => alone(() => bareHostname(farm)),
  });
  const { plush, ssh2, ...pdsh } = taken;
  const seconds = median(plush) / 1000;
  const [best = { name: '', value: Number.NaN }] = Object.entries(pdsh)
    .map(([name, ms]) => ({ name, value: median(ms) / 1000 }))
    .sort((a, b) => a.value - b.value);
  const bench = 'shell';
  printFigures([
    { bench, figure: 'hostname_100_cold', value: seconds, unit: 's', peer: best, target: null },
    {
      bench,
      figure: 'hostname_100_cold_first',
      value: (plush[0] ?? Number.NaN) / 1000,
      unit: 's',
      peer: best,
      target: null,
    },
    {
      bench,
      figure: 'hostname_100_cold_bare',
      value: seconds,
      unit: 's',
      peer: { name: 'ssh2 alone', value: median(ssh2) / 1000 },
      target: null,
    },
    { bench, figure: 'times_as_fast', value: best.value / seconds, unit: 'x', peer: best, target: '>= 3' },
  ]);
}

/** As the controller does it: its own driver, as many machines at a time as it connects to. */
async function plushHostname(scratch: Scratch, farm: Farm): Promise<number> {
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
function bareHostname({ sshd }: Farm): Promise<number> {
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
