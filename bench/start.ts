/**
 * 100 agents started over SSH until all have answered the controller's greeting, beside pdsh running `hostname`; and the
 * memory of an idle agent. Each machine has a disk of its own, empty at first, then with the agent's bundle from before.
 */
import { type Scratch, withScratch } from '../test/harness/scratch.ts';
import { waitFor } from '../test/harness/wait.ts';
import {
  agentProcesses,
  Fleet,
  machinesWithBundle,
  nodeFolders,
  privateMegabytes,
  startFarmOfDisks,
  wipeDisks,
} from './support/agents.ts';
import { type Farm, MACHINES } from './support/farm.ts';
import { type Figure, median, type Peer, printFigures } from './support/figures.ts';
import { pdshHostname, SAME_KEY_EXCHANGE } from './support/pdsh.ts';
import { type Effort, type Efforts, secondsOf, takeTurns, timed } from './support/rounds.ts';

const EMPTY = 'empty disks';
const CACHED = 'bundle there';
const PDSH = 'pdsh -f 32';
const PDSH_SAME = `${PDSH} ${SAME_KEY_EXCHANGE}`;
const FANOUT = 32;

/** Agents whose memory is looked at. */
const SAMPLE = 50;
/** The host monitors tell something every 10 s. */
const IDLE_MS = 60_000;

async function main(): Promise<void> {
  await withScratch(async (scratch) => {
    const farm = await startFarmOfDisks(scratch, '127.0.92');
    try {
      const efforts = await compare(scratch, farm);
      const megabytes = await weigh(scratch, farm);
      printFigures([...timesOf(efforts), megabytes]);
    } finally {
      await farm.sshd.kill();
      for (const pid of agentProcesses(scratch)) process.kill(pid, 'SIGKILL');
    }
  });
}

function compare(scratch: Scratch, farm: Farm): Promise<Efforts> {
  const starting = async () => {
    const fleet = await Fleet.prepare(scratch, farm);
    const effort = await timed(() => fleet.join());
    await fleet.leave();
    const left = nodeFolders(scratch, farm);
    if (left.length > 0) throw new Error(`${left.length} folders of nodes were left behind`);
    return effort;
  };
  const contestants: Record<string, () => Promise<Effort>> = {
    [EMPTY]: async () => {
      await wipeDisks(scratch, farm);
      return starting();
    },
    [CACHED]: () => {
      const stocked = machinesWithBundle(scratch, farm);
      if (stocked !== MACHINES) throw new Error(`Only ${stocked} machines have the bundle`);
      return starting();
    },
    [PDSH]: () => pdshHostname(scratch, farm, { fanout: FANOUT }),
    [PDSH_SAME]: () => pdshHostname(scratch, farm, { fanout: FANOUT, keyExchange: SAME_KEY_EXCHANGE }),
  };
  return takeTurns(contestants, farm.quiet);
}

/** Median of the private memory of agents that have joined and have nothing to do. */
async function weigh(scratch: Scratch, farm: Farm): Promise<Figure> {
  const fleet = await Fleet.prepare(scratch, farm);
  await fleet.join();
  await waitFor('every host monitor', () => fleet.everyoneWasIdle(), IDLE_MS);
  const value = median(agentProcesses(scratch).slice(0, SAMPLE).map(privateMegabytes));
  await fleet.leave();
  return { bench: 'start', figure: 'agent_private_memory', value, unit: 'MB', peer: null, target: '<= 12' };
}

function timesOf(efforts: Efforts): Figure[] {
  const peerOf = (name: string): Peer => ({ name, value: secondsOf(efforts, name) });
  return [
    { figure: 'cold_first', ours: EMPTY, peer: peerOf(PDSH) },
    { figure: 'cold', ours: CACHED, peer: peerOf(PDSH) },
    { figure: 'cold_first_same_key_exchange', ours: EMPTY, peer: peerOf(PDSH_SAME) },
    { figure: 'cold_same_key_exchange', ours: CACHED, peer: peerOf(PDSH_SAME) },
  ].flatMap(({ figure, ours, peer }): Figure[] => {
    const value = secondsOf(efforts, ours);
    return [
      { bench: 'start', figure, value, unit: 's', peer, target: null },
      {
        bench: 'start',
        figure: `${figure}_ratio`,
        value: value / peer.value,
        unit: 'x',
        peer,
        target: '<= 2',
      },
    ];
  });
}

await main();
