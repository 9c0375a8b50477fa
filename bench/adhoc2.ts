import { withScratch } from '../test/harness/scratch.ts';
import { startFarmOfDisks, agentProcesses } from './support/agents.ts';
import { accessToFarm } from './support/farm.ts';
await withScratch(async (scratch) => {
  const farm = await startFarmOfDisks(scratch, '127.0.94');
  try {
    const access = accessToFarm(scratch, farm);
    const s = await access.open(farm.nodes[1]!, 10000);
    for (const c of ['hostname', '/bin/sh -c true', '/bin/sh -s', 'exec true','node -e 0', 'mkdir -p $PLUSH_BASE/x/y', 'df -Pk /tmp','env', 'hostname','uname -sm']) {
    const t0 = performance.now();
    const r = await s.exec(c, { timeoutMs: 5000, stdin: c === '/bin/sh -s' ? 'true\n' : '' });
    console.log(c, performance.now() - t0, r.stderr, c==='env'?r.stdout:'');
    }
    s.close();
  } catch (e) { console.log(e); console.log(farm.sshd.log().slice(-1500)); } finally { await farm.sshd.kill(); }
});
