import { readdirSync, readFileSync } from 'node:fs';
import { withScratch } from '../test/harness/scratch.ts';
import { startFarmOfDisks, agentProcesses, Fleet, wipeDisks } from './support/agents.ts';
import { pdshHostname } from './support/pdsh.ts';
import { timed } from './support/rounds.ts';
await withScratch(async (scratch) => {
  const farm = await startFarmOfDisks(scratch, process.argv[2] as '127.0.93');
  const d9 = scratch.path('sshd', process.argv[2]!, 'x').slice(0, -2);
  const pids = readdirSync(d9).filter(f => /^pid/.test(f)).map(f => readFileSync(d9 + '/' + f, 'utf8').trim());
  const srv = () => { let x = 0; for (const pid of pids) { const t = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '); x += (Number(t[13]) + Number(t[14]) + Number(t[11]) + Number(t[12])) * 10; } return x; };
  const ag = () => { let x = 0; for (const p of agentProcesses(scratch)) for (const t of readdirSync(`/proc/${p}/task`)) x += Number(readFileSync(`/proc/${p}/task/${t}/schedstat`, 'utf8').split(' ')[0]) / 1e6; return Math.round(x); };
  try {
    for (let i = 0; i < 4; i++) {
    const s0 = srv();
    const fleet = await Fleet.prepare(scratch, farm);
    const e = await timed(() => fleet.join());
    const agents = ag();
    await fleet.leave();
    await farm.quiet();await new Promise(r => setTimeout(r, 700));
    const s1 = srv();
    const p = await timed(() => pdshHostname(scratch, farm, { fanout: 32, keyExchange: 'curve25519-sha256' }));
    await farm.quiet();await new Promise(r => setTimeout(r, 700));
    console.log(i, e, 'server', s1 - s0, 'agents', agents, 'pdsh', p, 'server', srv() - s1, 'ratio', e.ms / p.ms);
    }
  } catch (e) { console.log(e); } finally { await farm.sshd.kill(); 
      for (const pid of agentProcesses(scratch)) process.kill(pid, 'SIGKILL');}
});
